import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { brotliDecompressSync } from "node:zlib"
import Sqlite from "better-sqlite3"

/** Every text that Parley has written in a folder: its files as they are, and the blocks of payloads unpacked. */
export const writtenIn = (folder: string): string => {
  const parts: Array<string> = []
  const walk = (path: string): void => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path)) walk(join(path, name))
      return
    }
    parts.push(readFileSync(path, "latin1"), readFileSync(path, "utf8"))
    if (!/\.db$/.test(path)) return
    const database = new Sqlite(path, { readonly: true })
    const isMirror =
      database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'raw_blocks'").get() !== undefined
    const blocks = isMirror
      ? (database.prepare("SELECT encoding, content FROM raw_blocks").all() as ReadonlyArray<{
          encoding: string
          content: Buffer
        }>)
      : []
    for (const { content, encoding } of blocks)
      parts.push((encoding === "brotli" ? brotliDecompressSync(content) : content).toString("utf8"))
    database.close()
  }
  walk(folder)
  return parts.join("\n")
}

/** What a mirror that keeps everything holds of people. Short texts may be anywhere by chance, and are left out. */
export const peopleIn = (mirror: string): ReadonlyArray<string> => {
  const database = new Sqlite(mirror, { readonly: true })
  const list = (sql: string) => database.prepare(sql).pluck().all() as ReadonlyArray<string>
  const names = list("SELECT name FROM contacts WHERE name IS NOT NULL")
  // Nobody can tell a name in a text from another word; only where a vendor has a field for it is it one.
  const said = list(
    "SELECT content FROM messages UNION ALL SELECT title FROM conversations UNION ALL SELECT summary FROM conversations"
  ).join("\n")
  const parts = names.flatMap((name) => [name, ...name.split(" ")])
  const found = [
    ...parts.filter((part) => (part.length >= 5 || /[^ -~]{3}/.test(part)) && !said.includes(part)),
    ...list("SELECT email FROM contacts WHERE email IS NOT NULL"),
    ...list("SELECT phone FROM contacts WHERE phone IS NOT NULL").map((phone) => phone.replace(/^\+/, ""))
  ]
  database.close()
  return [...new Set(found)]
}
