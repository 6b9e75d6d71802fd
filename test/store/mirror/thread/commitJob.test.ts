import { expect, it } from "vitest"
import type { Attributes } from "../../../../src/domain/Conversation.ts"
import { parseExactly } from "../../../../src/domain/exactJson.ts"
import type { Page } from "../../../../src/providers/Provider.ts"
import type { CommitInput } from "../../../../src/store/mirror/Mirror.ts"
import { packJob, unpackPages } from "../../../../src/store/mirror/thread/commitJob.ts"
import type { HandedMessage } from "../../../../src/store/mirror/thread/HandedMessage.ts"
import { at, contact, message, page, raw, sighting, unreadable } from "../../fixtures.ts"

/** Its messages as objects that have their attributes. */
const withAttributes = (page: Page): Page => ({
  ...page,
  items: page.items.map((item) => {
    if (item._tag !== "Sighting" || item.messages === null) return item
    const items = item.messages.items.map((message) => {
      const { attributesJson: _, ...fields } = message as HandedMessage
      return { ...fields, attributes: message.attributes }
    })
    return { ...item, messages: { ...item.messages, items } }
  })
})

it("pages arrive on the other thread as they were", () => {
  const attributes = parseExactly('{"total":9007199254740993,"rate":1.0,"of":[{"deep":null}]}') as Attributes
  const pages: CommitInput["pages"] = [
    page(1, [
      sighting(
        { providerId: "a" },
        {
          messages: {
            extent: "newest",
            items: [
              message({ messageId: "m1", providerId: null, content: null, sentAt: null, sentAtSource: null }),
              message({ messageId: "m2", providerRole: null, content: "", attributes }),
              message({ messageId: "m3", content: "ünïcode 漢字 \u2028 🦊", role: "human" })
            ]
          }
        }
      ),
      sighting({ providerId: "b" }, { contact: contact() }),
      {
        ...sighting({ providerId: "c" }),
        messages: { extent: "whole", items: [] },
        unreadable: [unreadable()]
      },
      sighting({ providerId: "d" }, { raw: [raw('{"x":"é"}'), raw("{}", { kind: "detail" })] }),
      { _tag: "Unchanged", providerId: "e", key: 7 },
      { _tag: "Filtered", providerId: "f" },
      { _tag: "Unreadable", unreadable: unreadable() }
    ]),
    page(2, [sighting({ providerId: "g" }, { messages: { extent: "newest", items: [message()] } })])
  ]
  const input: CommitInput = {
    runId: 1,
    connection: "leads",
    lane: "sync",
    pages,
    scan: null,
    keepRaw: "all",
    seen: null
  }
  const job = structuredClone(packJob(input, at(3)))
  expect(unpackPages(job).map(withAttributes)).toEqual(pages)
  expect({ ...job, pages: null, seen: null }).toMatchObject({ runId: 1, keepRaw: "all", now: at(3) })
})
