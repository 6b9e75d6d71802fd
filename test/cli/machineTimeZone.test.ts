import { existsSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { machineTimeZone } from "../../src/cli/machineTimeZone.ts"

describe("the machine's time zone", () => {
  it("is UTC where TZ is empty, nonsense, or a file that is no zone", () => {
    expect(machineTimeZone({ TZ: "" }, "Etc/Unknown")).toBe("UTC")
    expect(machineTimeZone({ TZ: "nonsense" }, undefined)).toBe("UTC")
    expect(machineTimeZone({ TZ: ":/etc/hostname" }, undefined)).toBe("UTC")
    expect(machineTimeZone({ TZ: ":/no/such/file" }, undefined)).toBe("UTC")
  })

  it("is what JavaScript says where it knows", () => {
    expect(machineTimeZone({ TZ: ":Europe/Berlin" }, "Europe/Berlin")).toBe("Europe/Berlin")
    expect(machineTimeZone({}, "Asia/Tokyo")).toBe("Asia/Tokyo")
  })

  it.skipIf(!existsSync("/usr/share/zoneinfo/Europe/Berlin"))("is that of the file which TZ names", () => {
    expect(machineTimeZone({ TZ: ":/usr/share/zoneinfo/Europe/Berlin" }, undefined)).toBe("Europe/Berlin")
    expect(machineTimeZone({ TZ: "/usr/share/zoneinfo/posix/Europe/Berlin" }, undefined)).toMatch(
      /^(Europe\/Berlin|UTC)$/
    )
  })
})
