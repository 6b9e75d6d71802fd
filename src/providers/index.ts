import { aelyst } from "./aelyst/index.ts"
import { convocore } from "./convocore/index.ts"
import { empfio } from "./empfio/index.ts"
import { naturalead } from "./naturalead/index.ts"
import { type AnyProviderDefinition, anyProvider } from "./Provider.ts"

/** Every provider there is: a new one is a folder and one line here. */
export const registry: Readonly<Record<string, AnyProviderDefinition>> = {
  naturalead: anyProvider(naturalead),
  convocore: anyProvider(convocore),
  empfio: anyProvider(empfio),
  aelyst: anyProvider(aelyst)
}
