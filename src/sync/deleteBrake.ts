import type { ConnectionConfig } from "../config/Config.ts"
import type { ConnectionFault } from "../store/ledger/Ledger.ts"

/*
 * Conversations go one by one. Where very many seem to have gone at once, an outage, a wrong address or another account's
 * credential is the likelier reason: then nothing is marked deleted, and a person is asked.
 */

type Configured = Pick<ConnectionConfig, "deleteBrake">

/** How many one run may mark, of so many that it could have marked. */
const allowedOf = ({ deleteBrake: { rows, share } }: Configured, of: number): number =>
  Math.max(rows, Math.floor(of * share))

/** Only who lets everything go means it. */
const mayAllGo = ({ deleteBrake }: Configured): boolean => deleteBrake.share >= 1

/**
 * Why a scan that no longer lists so many of the stored conversations is an error rather than a clean-up;
 * null: it may be one. A list without any of them is believed only where deleteBrake allows all of them to go.
 * @param held conversations that were in the mirror before the scan began
 */
export const listBrake = (config: Configured, missing: number, held: number): ConnectionFault | null => {
  const kind = "delete_brake"
  const allowed = allowedOf(config, held)
  if (missing > 0 && missing >= held && !mayAllGo(config)) {
    return {
      kind,
      message: `the provider lists none of the ${missing} conversations that are held; none was marked deleted`,
      hint: "an outage can look like this, and the next sync corrects it; if they are really gone, set deleteBrake: 100% for this connection and sync again"
    }
  }
  if (missing <= allowed) return null
  return {
    kind,
    message: `${missing} of ${held} conversations are no longer listed, more than the ${allowed} that one run may mark deleted; none was marked`,
    hint: "look at the provider: if they are really gone, raise deleteBrake for this connection and sync again"
  }
}

/**
 * The same where conversations were requested by id, and so many of them are said not to exist. The share counts
 * among those that were requested: what a sample says of the others is no proof about any of them. A single one that is
 * requested by itself may be gone, if it is not all there is.
 * @param asked conversations that were requested, of `held` in the mirror
 */
export const sampleBrake = (
  config: Configured,
  { asked, gone, held }: { readonly asked: number; readonly gone: number; readonly held: number }
): ConnectionFault | null => {
  const kind = "delete_brake"
  const allowed = allowedOf(config, asked)
  if (gone > 0 && gone >= asked && asked >= Math.min(2, held) && !mayAllGo(config)) {
    const what =
      asked === 1
        ? "the only requested conversation does not exist"
        : `none of the ${asked} requested conversations exists`
    return {
      kind,
      message: `the provider says that ${what}; none was marked deleted`,
      hint: "a wrong baseUrl or the credential of another account looks like this: check both; if they are really gone, set deleteBrake: 100% for this connection and verify again"
    }
  }
  if (gone <= allowed) return null
  return {
    kind,
    message: `the provider says that ${gone} of the ${asked} requested conversations do not exist, more than the ${allowed} that one run may mark deleted; none was marked`,
    hint: "look at the provider: if they are really gone, raise deleteBrake for this connection and verify again"
  }
}
