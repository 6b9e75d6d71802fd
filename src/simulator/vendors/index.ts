import type { WorldInput } from "../world.ts"
import { makeAelyst } from "./aelyst/index.ts"
import { makeConvocore } from "./convocore/index.ts"
import { makeEmpfio } from "./empfio/index.ts"
import { makeNaturaLead } from "./naturalead/index.ts"

/** Every simulated vendor: a new one is a folder and one line here. A provider may do without. */
const makers = {
  naturalead: makeNaturaLead,
  convocore: makeConvocore,
  empfio: makeEmpfio,
  aelyst: makeAelyst
}

export type VendorId = keyof typeof makers

export type Vendors = { readonly [Id in VendorId]: ReturnType<(typeof makers)[Id]> }

/** What each vendor is like, where its documentation leaves it open. */
export type VendorOptions = { readonly [Id in VendorId]?: Parameters<(typeof makers)[Id]>[1] }

export const vendorIds = Object.keys(makers) as ReadonlyArray<VendorId> as readonly [
  VendorId,
  ...Array<VendorId>
]

/** One value for each vendor. */
export const forEachVendor = <A>(make: (id: VendorId) => A): Readonly<Record<VendorId, A>> =>
  Object.fromEntries(vendorIds.map((id) => [id, make(id)])) as Record<VendorId, A>

export const makeVendors = (input: (id: VendorId) => WorldInput, options: VendorOptions = {}): Vendors =>
  forEachVendor((id) =>
    (makers[id] as (input: WorldInput, options?: object) => object)(input(id), options[id])
  ) as Vendors

/** Where one logs in, so that a session can end. */
export const sessionVendor: VendorId = "empfio"

/** Where two contacts of one person are merged. */
export const mergingVendor: VendorId = "aelyst"

/** Where a change of status is carried out at once, which is what `parley demo` shows. */
export const promptVendor: VendorId = "empfio"
