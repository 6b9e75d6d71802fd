import { registry } from "../../src/providers/index.ts"
import { definitionsSuite } from "./definitions.ts"

definitionsSuite("the providers", registry)
