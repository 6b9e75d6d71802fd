import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { brotliDecompressSync } from "node:zlib"
import Sqlite from "better-sqlite3"

/** Every file in a folder and below. */
const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())

/** The blocks of payloads of a mirror, unpacked. */
const blocksOf = (path: string): ReadonlyArray<Buffer> => {
  const mirror = new Sqlite(path, { readonly: true })
  try {
    const rows = mirror.prepare("SELECT encoding, content FROM raw_blocks").all() as ReadonlyArray<{
      readonly encoding: string
      readonly content: Buffer
    }>
    return rows.map(({ content, encoding }) =>
      encoding === "brotli" ? brotliDecompressSync(content) : content
    )
  } finally {
    mirror.close()
  }
}

/**
 * Which of some texts are found in any file of a folder, byte for byte and in whatever case, the mirror's payloads
 * unpacked.
 */
export const remnantsIn = (
  folder: string,
  mirror: string,
  texts: ReadonlyArray<string>,
  isOurs: (path: string) => boolean = () => true
): ReadonlyArray<string> => {
  const files = filesIn(folder)
    .filter(isOurs)
    .map((path) => readFileSync(path))
  const all = [...files, ...(existsSync(mirror) ? blocksOf(mirror) : [])].map((bytes) =>
    bytes.toString("latin1").toLowerCase()
  )
  return texts.filter((text) => {
    const bytes = Buffer.from(text, "utf8").toString("latin1").toLowerCase()
    return all.some((content) => content.includes(bytes))
  })
}
