import type { Simulator } from "./simulator.ts"
import { mergingVendor } from "./vendors/index.ts"

interface Reachable {
  phone: string | null
  email: string | null
}

/** Two contacts of one person, of which the vendor will keep the older. */
interface Twins {
  readonly older: string
  readonly younger: string
}

/** Gives the youngest contact the address and number of the oldest; null: there are not two. */
export const makeTwins = (simulator: Simulator): Twins | null => {
  const { conversations } = simulator.vendors[mergingVendor].world
  const ids = [...conversations.keys()]
  const [older, younger] = [ids[0], ids.at(-1)]
  if (older === undefined || younger === undefined || older === younger) return null
  const one = conversations.get(older) as Reachable | undefined
  const other = conversations.get(younger) as Reachable | undefined
  if (one === undefined || other === undefined) return null
  one.phone ??= "+4930901820"
  other.phone = one.phone
  other.email = one.email
  return { older, younger }
}

/** The younger of them is merged into the older: its id leads nowhere any more. */
export const mergeTwins = (simulator: Simulator, { younger }: Twins): void =>
  simulator.vendors[mergingVendor].world.remove(younger)
