import type { Registry } from "../../src/config/Config.ts"
import { registry } from "../../src/providers/index.ts"
import { harborDefinition } from "./vendor.ts"

/*
 * The one line that a fifth vendor needs. To be imported first: whatever the test file imports next finds one provider more
 * in the registry.
 */
const entries = registry as Record<string, Registry[string]>
entries.harbor = harborDefinition
