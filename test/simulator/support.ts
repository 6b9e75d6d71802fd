import { arriving } from "../../src/simulator/http.ts"
import type { Simulator, VendorId } from "../../src/simulator/simulator.ts"

/** When the worlds of these tests begin: epoch milliseconds. */
export const now = Date.UTC(2026, 2, 7, 10)

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape.
  readonly body: any
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const credentials = (simulator: Simulator, vendor: VendorId): Readonly<Record<string, string>> => {
  const { naturalead, convocore, empfio, aelyst } = simulator.vendors
  switch (vendor) {
    case "naturalead":
      return { "x-api-key": naturalead.options.apiKey }
    case "convocore":
      return { authorization: `Bearer ${convocore.options.token}` }
    case "empfio":
      return { authorization: `Bearer ${empfio.options.token}` }
    case "aelyst":
      return { authorization: `Bearer ${aelyst.options.token}` }
  }
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Epoch milliseconds. */
  readonly at?: number
}

/** One request to a vendor, with its credentials unless `headers` are given. `call` is `GET /path`. */
export const ask = (simulator: Simulator, vendor: VendorId, call: string, asked: Asked = {}): Reply => {
  const [method = "GET", url = "/"] = call.split(" ")
  const response = simulator.handle(
    vendor,
    {
      method,
      url,
      origin: `https://${vendor}.example`,
      headers: asked.headers ?? credentials(simulator, vendor),
      body:
        typeof asked.body === "string"
          ? asked.body
          : asked.body === undefined
            ? ""
            : JSON.stringify(asked.body)
    },
    asked.at ?? now
  )
  const text = [...arriving(response)].join("")
  return { status: response.status, headers: response.headers, text, body: parsed(text) }
}
