import type { Environment } from "../../config/variables.ts"

/**
 * How this program was called. npm tells what it starts which words it was asked for; a program that npm has found in a
 * project's folder is found by npm alone.
 */
const commandOf = ({ npm_lifecycle_script: script = "" }: Environment): string =>
  /(^|[\s"'/])parley(\.js)?(?=$|[\s"'])/.test(script) ? "npx parley" : "parley"

const commands = /(?<=^|[\s`("'])parley (?=[a-z-])/gm

/** Makes what turns the commands in a text, such as `parley sync`, into what can be typed where this was started. */
export const asTypedIn = (environment: Environment): ((text: string) => string) => {
  const command = commandOf(environment)
  return command === "parley" ? (text) => text : (text) => text.replace(commands, `${command} `)
}
