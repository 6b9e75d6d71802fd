export const title = "Aelyst"

/** What the vendor documents, for the adapter, the simulator and `check --contract`. */
export const facts = {
  /**
   * https://developers.aelyst.ai/api/operations/listcontacts/ prints "below 100" beside "at most 100": 99 is right either
   * way.
   */
  contactsLimit: 99,
  /** https://developers.aelyst.ai/api/operations/listmessages/ */
  messagesLimit: 50
}
