import { realpathSync } from "node:fs"
import packageFile from "../../../package.json" with { type: "json" }
import type { Environment } from "../../config/variables.ts"

/**
 * How this program was called. npm passes on the command it runs. A program that npm fetched for one run needs the
 * package's name, since the command's name belongs to another package, and the command's, since the package has several.
 * From a clone, npm runs it through a link in the same cache of its own.
 */
const commandOf = ({ npm_lifecycle_script: script = "" }: Environment, program: string): string => {
  if (!/(^|[\s"'/])parley(\.js)?(?=$|[\s"'])/.test(script)) return "parley"
  return /[\\/]_npx[\\/]/.test(program) ? `npx -p ${packageFile.name} parley` : "npx parley"
}

/** The file that Node was given, links resolved. */
const started = (): string => {
  try {
    return realpathSync(process.argv[1] ?? "")
  } catch {
    return ""
  }
}

const commands = /(?<=^|[\s`("'])parley (?=[a-z-])/gm

/**
 * Makes what turns the commands in a text, such as `parley sync`, into what can be typed where this was started.
 * @param program the file that Node was given, links resolved
 */
export const asTypedIn = (
  environment: Environment,
  program: string = started()
): ((text: string) => string) => {
  const command = commandOf(environment, program)
  return command === "parley" ? (text) => text : (text) => text.replace(commands, `${command} `)
}
