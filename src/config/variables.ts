export type Environment = Readonly<Record<string, string | undefined>>

/** `${NAME}` and nothing else, as a regular expression. */
export const variablePattern = "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$"

const whole = new RegExp(variablePattern)
const anywhere = /\$\{([^{}]*)\}/g
const name = /^[A-Za-z_][A-Za-z0-9_]*$/

/** The variable's name where the text is `${NAME}` and nothing else. */
export const variableOf = (text: string): string | null =>
  whole.test(text.trim()) ? text.trim().slice(2, -1) : null

/** Where variables are looked up. */
export interface Variables {
  readonly environment: Environment
  /** What the file of variables is called in messages. */
  readonly dotenv: string
}

export interface Resolved {
  readonly text: string
  /** One for each `${…}` that stands for nothing. */
  readonly faults: ReadonlyArray<string>
}

/**
 * Puts variables where `${NAME}` stands. No other notation means anything.
 * @param dotenv the file that was read beside the environment, as it is called in messages
 */
export const resolveVariables = (text: string, environment: Environment, dotenv: string): Resolved => {
  const faults: Array<string> = []
  const resolved = text.replace(anywhere, (written, inner: string) => {
    if (!name.test(inner)) {
      faults.push("only a name of letters, digits and underscores can stand between the braces of a variable")
      return written
    }
    const value = Object.hasOwn(environment, inner) ? environment[inner] : undefined
    if (value !== undefined && value !== "") return value
    faults.push(
      value === undefined
        ? `the variable ${inner} is not set; set it in the environment, or in ${dotenv}`
        : `the variable ${inner} is empty; set it in the environment, or in ${dotenv}, which counts for what the environment does not have at all`
    )
    return written
  })
  return { text: resolved, faults }
}

/** `apiKey` of my-vendor → `MY_VENDOR_API_KEY`, the name that examples and messages propose. */
export const proposedVariable = (provider: string, key: string): string =>
  `${provider}_${key.replace(/([a-z0-9])([A-Z])/g, "$1_$2")}`.toUpperCase().replace(/[^A-Z0-9]+/g, "_")
