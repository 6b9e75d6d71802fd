import { resolve } from "node:path"
import { Effect } from "effect"
import { codeOf, fileFaults } from "../files/faults.ts"
import { readRegular } from "../files/readRegular.ts"
import { UsageError } from "./errors.ts"
import { Host } from "./Host.ts"

/** A file's text: UTF-16 where its mark says so, as PowerShell's `>` writes it. */
const textOf = (bytes: Buffer): string =>
  bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString("utf16le") : bytes.toString("utf8")

const read = (flag: string, path: string): Effect.Effect<string, UsageError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(textOf(readRegular(path)))
    } catch (cause) {
      const code = codeOf(cause) ?? ""
      const what =
        code === "ENOENT"
          ? "there is no such file"
          : code === "NOT_REGULAR"
            ? "it is not a file"
            : (fileFaults[code]?.what ?? code)
      return new UsageError({
        message: `${flag}: ${path} cannot be read: ${what}`,
        hint: `name a file that this user can read, or - for stdin`
      })
    }
  })

/** The text of a file, without its byte order mark; `-`: of stdin. @param flag for the error: `--from` */
export const readInput = Effect.fn("readInput")(function* (flag: string, path: string) {
  const { cwd, stdin } = yield* Host
  const text = path === "-" ? yield* stdin : yield* read(flag, resolve(cwd, path))
  return text.replace(/^\uFEFF/, "")
})
