/* After `npm install` and `npm ci` in a clone: builds. With `--omit=dev` there is nothing to build with. */
import { existsSync } from "node:fs"

if (existsSync("node_modules/esbuild")) await import("./build.mjs")
else process.stderr.write("dist is not built: what builds it is not installed (--omit=dev)\n")
