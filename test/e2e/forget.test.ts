import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, expect, it } from "vitest"
import { makeRandom } from "../../src/simulator/random.ts"
import { contentQueries } from "../support/content.ts"
import { openWorkspace, type Workspace } from "../support/parley.ts"
import { remnantsIn } from "../support/remnants.ts"

/*
 * One person at four vendors, with 200 texts in every place that a vendor has: after `forget`, and after a death at any
 * commit on the way, no file holds a byte of them, no run brings them back, and everyone else is as before. Set PARLEY_FORGETS to
 * die at as many commits (`npm run soak:forget` dies at all of them).
 */

const deaths = Number(process.env.PARLEY_FORGETS ?? 2)
const hook = resolve(import.meta.dirname, "../support/dieAt.cjs")

const email = "Zenobia.Quill@planted.example"
const phone = "+4917155501234"
const texts: Array<string> = [email, phone]

/** A text that is nowhere else. */
const plant = (): string => {
  const text = `planted${texts.length}word`
  texts.push(text)
  return text
}

let workspace: Workspace
let template: string
/** Ids of the person's conversations in the mirror. */
const hers: Array<string> = []

const messagesEach = 46

const plantAll = ({ simulator }: Workspace): void => {
  const { aelyst, convocore, empfio, naturalead } = simulator.vendors
  const at = Date.now() - 3_600_000
  const first = <A extends object>(
    world: { readonly conversations: Map<string, A> },
    isFit: (one: A) => boolean
  ) => {
    const found = [...world.conversations].find(([, one]) => isFit(one))
    if (found === undefined) throw new Error("the simulated vendor holds no such conversation")
    return found
  }
  const [lead, leadFields] = first(naturalead.world, () => true)
  Object.assign(leadFields, {
    leadPhone: phone,
    leadEmail: email,
    summary: plant(),
    currentStageName: plant(),
    qualificationResult: { qualified: true, reason: plant() },
    futureField: { note: plant(), list: [plant()] }
  })
  const [convo, convoFields] = first(convocore.world, ({ ID }) => !convocore.world.isGhost(ID))
  Object.assign(convoFields, {
    userName: plant(),
    userEmail: email.toLowerCase(),
    userPhone: "0049 171 5550-1234",
    userAddress: plant(),
    userCompany: plant(),
    userWebsite: `https://${plant()}.example`,
    notes: plant(),
    tags: [plant(), plant()],
    title: plant(),
    summary: plant(),
    lastMessage: plant(),
    capturedVariables: { wish: plant(), nested: { deeper: [plant()] } },
    futureField: plant()
  })
  const [chat, chatFields] = first(empfio.world, ({ lead }) => lead !== null)
  Object.assign(chatFields, {
    session_key: `web_${phone}`,
    lead: { id: chatFields.lead_id, name: plant(), email, futureField: plant() },
    last_message_preview: plant(),
    futureField: plant()
  })
  const [contact, contactFields] = first(aelyst.world, () => true)
  Object.assign(contactFields, {
    firstName: plant(),
    lastName: plant(),
    phone,
    email,
    custom_fields: [{ name: plant(), value: plant() }],
    tags: [plant()],
    lifecycle: plant()
  })
  // One that cannot be read, and goes to quarantine whole.
  const [, spoilt] = first(aelyst.world, (one) => one !== contactFields)
  Object.assign(spoilt, { email, firstName: plant(), phone: null, tags: plant() })
  for (const [world, id] of [
    [naturalead.world, lead],
    [convocore.world, convo],
    [empfio.world, chat],
    [aelyst.world, contact]
  ] as const) {
    const by = ["customer", "agent", "human"] as const
    for (let n = 0; n < messagesEach; n += 1)
      world.addMessage(id, at + n * 1_000, by[n % 3], `${plant()} 佐藤 said`)
  }
  hers.push(`leads:${lead}`, `support:${convo}`, `salon:${chat}`, `inbox:${contact}`)
}

const isHers = (row: Record<string, unknown>): boolean =>
  [row.id, row.conversation_id].some((id) =>
    hers.some((one) => id === one || String(id).startsWith(`${one}:`))
  )

/** What of the mirror is of everyone else. */
const others = ({ rows }: Pick<Workspace, "rows">) => {
  const { conversations, history, messages } = contentQueries
  return {
    ...Object.fromEntries(
      Object.entries({ conversations, history, messages }).map(([name, sql]) => [
        name,
        rows(sql).filter((row) => !isHers(row))
      ])
    ),
    contacts: rows(
      "SELECT id, name, email, phone, attributes FROM contacts WHERE lower(email) IS NOT ?",
      email.toLowerCase()
    ),
    found: rows("SELECT count(*) AS n FROM message_search WHERE message_search MATCH 'the'")
  }
}

const inState = (path: string): boolean => !path.endsWith(".example")

const remnants = (): ReadonlyArray<string> => remnantsIn(workspace.folder, workspace.database, texts, inState)

const restore = (): void => {
  for (const suffix of ["-wal", "-shm"]) rmSync(workspace.database + suffix, { force: true })
  copyFileSync(template, workspace.database)
}

const succeed = async (...args: ReadonlyArray<string>): Promise<string> => {
  const { code, stderr, stdout } = await workspace.parley([...args, "--progress", "none"])
  expect([0, 3], stderr).toContain(code)
  return stdout
}

beforeAll(async () => {
  workspace = await openWorkspace({
    seed: 3,
    conversations: { naturalead: 12, convocore: 12, empfio: 12, aelyst: 12 },
    limits: false,
    vendors: { convocore: { ghosts: 0 } },
    configure: (yaml) =>
      yaml.replaceAll(
        /(\n +)baseUrl/g,
        "$1keepRaw: all$1limits: [{ requests: 10000, per: 1 second, scope: connection }]$1baseUrl"
      )
  })
  plantAll(workspace)
  await succeed("sync", "--pull-only")
  const [lead = ""] = hers
  const { naturalead } = workspace.simulator.vendors
  // Another version of a payload, and a change of theirs that is requested.
  naturalead.world.addMessage(lead.slice("leads:".length), Date.now(), "customer", plant())
  await succeed("sync", "--pull-only")
  await succeed("set-status", lead, "completed")
  const mirror = new Sqlite(workspace.database)
  mirror.exec(`UPDATE run_connections SET error_kind = 'rejected', error_message = 'the vendor said: ${plant()} is ${texts[20]}', error_hint = ''
    WHERE run_id = 1 AND connection = 'leads'`)
  mirror.pragma("wal_checkpoint(TRUNCATE)")
  mirror.close()
  template = join(mkdtempSync(join(tmpdir(), "parley-forget-")), "template.db")
  copyFileSync(workspace.database, template)
})

afterAll(async () => {
  rmSync(resolve(template, ".."), { recursive: true, force: true })
  await workspace.close()
})

it("erases 200 texts of one person at four vendors, keeps everyone else, and lets no verb bring them back", async () => {
  // Some messages are images, and previews are overwritten.
  const there = remnants()
  expect(there.length).toBeGreaterThanOrEqual(200)
  const before = others(workspace)
  const plan = await succeed("forget", "--email", email, "--plan")
  expect(plan).toMatch(/5 {2}conversations|4 {2}conversations/)
  expect(remnants()).toEqual(there)

  const receipt = join(workspace.folder, "receipt.json")
  await succeed("forget", "--email", email, "--receipt", receipt)
  expect(remnants()).toEqual([])
  expect(others(workspace)).toEqual(before)
  expect(statSync(receipt).mode & 0o777).toBe(0o600)
  expect(JSON.parse(readFileSync(receipt, "utf8"))).toMatchObject({ what: "person", unfinished: null })

  const again = ["sync --full --pull-only", "backfill --restart", "rebuild", "verify"]
  for (const args of again) await succeed(...args.split(" "))
  expect(remnants()).toEqual([])
  expect(workspace.rows("SELECT id FROM conversations").filter(isHers)).toEqual([])
  expect(workspace.rows("SELECT sum(filtered) > 40 AS n FROM run_connections")).toEqual([{ n: 1 }])
})

it("leaves nothing of them once it was killed at a commit and something was started after it", {
  timeout: 240_000 + (deaths > 10 ? 7_200_000 : 0)
}, async () => {
  restore()
  const before = others(workspace)
  const counted = join(workspace.folder, "events.json")
  await workspace.parley(["forget", "--phone", phone, "--progress", "none"], {
    NODE_OPTIONS: `--require ${hook}`,
    PARLEY_EVENTS: counted
  })
  const events = JSON.parse(readFileSync(counted, "utf8")) as { readonly "after-commit": number }
  const commits = events["after-commit"]
  const random = makeRandom(20)
  const all = Array.from({ length: commits }, (_, index) => index + 1)
  const chosen = deaths >= commits ? all : Array.from({ length: deaths }, () => 1 + random.below(commits))
  let dead = 0
  for (const number of chosen) {
    restore()
    const { signal } = await workspace.parley(["forget", "--phone", phone, "--progress", "none"], {
      NODE_OPTIONS: `--require ${hook}`,
      PARLEY_DIE_AT: `after-commit ${number}`
    })
    if (signal === "SIGKILL") dead += 1
    // The first commits are those of opening the file.
    const [begun] = workspace.rows<{ n: number }>("SELECT count(*) AS n FROM erasures")
    await succeed("sync", "--pull-only")
    if (begun?.n === 0) continue
    expect({ number, left: remnants() }).toEqual({ number, left: [] })
    expect(others(workspace)).toEqual(before)
  }
  expect(dead).toBe(chosen.length)
})

it("keeps messages and payloads no longer than `keep` says, whatever runs afterwards, and finds nothing to mend", async () => {
  restore()
  const file = join(workspace.folder, "config/parley.yaml")
  const yaml = readFileSync(file, "utf8")
  writeFileSync(
    file,
    yaml.replace(/^connections:/m, "keep: { messages: 20 days, raw: 5 days, ledger: 1 day }\nconnections:")
  )
  try {
    const old =
      "SELECT count(*) AS n FROM messages WHERE sent_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-20 days')"
    const [held] = workspace.rows<{ n: number }>(old)
    expect(held?.n).toBeGreaterThan(100)
    const plan = JSON.parse(await succeed("keep", "--plan", "--json")) as { readonly messages: number }
    expect(plan.messages).toBe(held?.n)
    for (const args of ["sync --pull-only", "sync --full --pull-only", "rebuild"]) {
      await succeed(...args.split(" "))
      expect({ args, ...workspace.rows(old)[0] }).toEqual({ args, n: 0 })
    }
    const verdict = await workspace.parley(["verify", "--json", "--progress", "none"])
    expect(JSON.parse(verdict.stdout)).toMatchObject({ connections: [{}, {}, {}, {}] })
    const again = JSON.parse(await succeed("sync", "--pull-only", "--json")) as {
      readonly connections: ReadonlyArray<{ readonly inserted: number; readonly updated: number }>
    }
    expect(again.connections.map(({ inserted, updated }) => inserted + updated)).toEqual([0, 0, 0, 0])
    expect(workspace.rows("SELECT sum(conversations_incomplete) AS n FROM freshness")).toEqual([{ n: 0 }])
    expect(
      workspace.rows("SELECT count(*) AS n FROM conversations WHERE complete = 0 AND expired_messages > 0")
    ).toEqual([{ n: 0 }])
  } finally {
    writeFileSync(file, yaml)
  }
})
