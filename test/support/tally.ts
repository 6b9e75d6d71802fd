import { relative } from "node:path"
import type { Reporter } from "vitest/reporters"

/** Ends the run with each failure in a few plain lines, `failed: file > test`, and one that any reader of a log can find: `N passed, N failed`. */
export default class Tally implements Reporter {
  onTestRunEnd(...[modules, errors]: Parameters<NonNullable<Reporter["onTestRunEnd"]>>): void {
    let passed = 0
    let failed = errors.length
    const failure = (name: string, error: { readonly message: string } | undefined) => {
      const lines = (error?.message ?? "").split("\n").filter((line) => line.trim() !== "")
      process.stdout.write(`\n${[`failed: ${name}`, ...lines.slice(0, 10)].join("\n  ")}\n`)
    }
    for (const error of errors) failure("outside of a test", error)
    let skipped = 0
    for (const module of modules) {
      if (module.state() === "failed" && [...module.children.allTests()].length === 0) {
        failed += 1
        failure(relative(process.cwd(), module.moduleId), module.errors()[0])
      }
      for (const test of module.children.allTests()) {
        const { state, errors: [error] = [] } = test.result()
        if (state === "passed") passed += 1
        else if (state === "failed") {
          failed += 1
          failure(`${relative(process.cwd(), module.moduleId)} > ${test.fullName}`, error)
        } else skipped += 1
      }
    }
    const tail = skipped > 0 ? `, ${skipped} skipped` : ""
    process.stdout.write(`\n${passed} passed, ${failed} failed${tail}\n`)
  }
}
