import packageFile from "../../../package.json" with { type: "json" }
import type { Environment } from "../../config/variables.ts"

/**
 * How this program was called. npm passes on the words it was started with; a program that npm has found in a
 * project's folder is found only through npm, and one that npm fetched for one run has the package's name: the command's
 * name as a package belongs to someone else.
 */
const commandOf = ({ npm_lifecycle_script: script = "" }: Environment, program: string): string => {
  if (!/(^|[\s"'/])parley(\.js)?(?=$|[\s"'])/.test(script)) return "parley"
  return /[\\/]_npx[\\/]/.test(program) ? `npx ${packageFile.name}` : "npx parley"
}

const commands = /(?<=^|[\s`("'])parley (?=[a-z-])/gm

/**
 * Makes what turns the commands in a text, such as `parley sync`, into what can be typed where this was started.
 * @param program the file that Node was given
 */
export const asTypedIn = (
  environment: Environment,
  program: string = process.argv[1] ?? ""
): ((text: string) => string) => {
  const command = commandOf(environment, program)
  return command === "parley" ? (text) => text : (text) => text.replace(commands, `${command} `)
}
