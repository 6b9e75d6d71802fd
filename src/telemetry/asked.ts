/** By itself, so that a program that sends nothing loads no more of it. */

export type Environment = Readonly<Record<string, string | undefined>>

export const endpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT"

/** Whether anything is to be sent at all. */
export const isAskedFor = (environment: Environment): boolean =>
  (environment[endpointVariable] ?? "").trim() !== "" &&
  environment.OTEL_SDK_DISABLED?.trim().toLowerCase() !== "true"
