import type { Verb } from "./verb.ts"

/** Every verb there is, in the order in which help lists them: a new one is one line here. */
export const verbs: ReadonlyArray<Verb<never>> = []
