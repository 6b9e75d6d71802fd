import { resolve } from "node:path"
import { Effect } from "effect"
import { publish as publishTo } from "../../../store/copies/publish.ts"
import { copyingMirror } from "../../configuration.ts"
import { UsageError } from "../../errors.ts"
import { Host } from "../../Host.ts"
import { atLeastOne } from "../../options.ts"
import { answer } from "../../terminal/answer.ts"
import { spellSize } from "../query/limits.ts"
import type { PublishInput } from "./index.ts"

/** Readers read: nobody but the owner may write, and nothing is a program. */
const readMode = (text: string): Effect.Effect<number, UsageError> =>
  /^0?[46][04][04]$/.test(text)
    ? Effect.succeed(Number.parseInt(text, 8))
    : new UsageError({
        message: `--mode: "${text}" is not who may read a file`,
        hint: "write 0600 (its owner), 0640 (its group, too) or 0644 (everyone)"
      })

export const publish = (input: PublishInput) =>
  Effect.gen(function* () {
    const { cwd } = yield* Host
    const { keep, without } = input
    yield* atLeastOne("--keep", keep)
    const mode = yield* readMode(input.mode)
    const { deleted, isUnchanged, kept, manifest, path } = yield* copyingMirror(
      publishTo({ to: resolve(cwd, input.to), keep, mode, without: without === null ? [] : [without] }),
      ({ news }) => news
    )
    const { bytes, made_at, seq } = manifest
    const moment = `as of ${made_at} (commit ${seq}), ${spellSize(bytes)}`
    return yield* answer(
      { file: path, unchanged: isUnchanged, manifest, kept, deleted },
      [
        isUnchanged ? `${path}: nothing new since then: ${moment}` : `${path}: ${moment}`,
        ...kept.map((older) => `  kept     ${older}`),
        ...deleted.map((older) => `  deleted  ${older}`)
      ].join("\n")
    )
  })
