import { Effect, Redacted } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { Answer, Authorization, Headers, ProviderRequest } from "../contract.ts"

/** The headers that sign a request, and which login they came from. */
export interface Signature {
  readonly generation: number
  readonly headers: Readonly<Record<string, string>>
}

export interface Credentials {
  /** The signature to send with; null: there is none before a login. */
  readonly known: () => Signature | null
  /** The same; logs in first where there is none yet. */
  readonly current: Effect.Effect<Signature, ProviderError>
  /** After a 401 to that signature: a newer one, or null where there is none to be had. */
  readonly renewed: (refused: Signature) => Effect.Effect<Signature | null, ProviderError>
  /** In words, the settings that hold the credential. */
  readonly setting: string
  /** What must never be repeated in a message; grows with each login. */
  readonly secrets: ReadonlyArray<string>
}

const reveal = (headers: Headers): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), revealed(value)]))

const revealed = (value: Redacted.Redacted): string => Redacted.value(value)

/** A header's value, and the token alone where a scheme stands before it. */
const secretsIn = (headers: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.values(headers).flatMap((value) => [value, value.replace(/^\w+\s+/, "")])

/**
 * @param login sends the login request: through the same limits and retries as everything else, but unsigned
 */
export const makeCredentials = (
  authorization: Authorization,
  login: (request: ProviderRequest) => Effect.Effect<Answer, ProviderError>
): Effect.Effect<Credentials> =>
  Effect.gen(function* () {
    const secrets: Array<string> = [revealed(authorization.credential)]
    if (authorization._tag === "Fixed") {
      const headers = reveal(authorization.headers)
      const signature: Signature = { generation: 0, headers }
      secrets.push(...secretsIn(headers))
      return {
        known: () => signature,
        current: Effect.succeed(signature),
        renewed: () => Effect.succeed(null),
        setting: authorization.setting,
        secrets
      }
    }
    const oneAtATime = yield* Effect.makeSemaphore(1)
    let signature: Signature | null = null
    const signIn = Effect.map(authorization.login(login), (headers) => {
      const revealedHeaders = reveal(headers)
      secrets.push(...secretsIn(revealedHeaders))
      signature = { generation: (signature?.generation ?? 0) + 1, headers: revealedHeaders }
      return signature
    })
    /** Requests that find the same signature spent share one login: the second one takes the new signature. */
    const newerThan = (generation: number) =>
      oneAtATime.withPermits(1)(
        Effect.suspend(() =>
          signature !== null && signature.generation > generation ? Effect.succeed(signature) : signIn
        )
      )
    return {
      known: () => signature,
      current: Effect.suspend(() => (signature === null ? newerThan(0) : Effect.succeed(signature))),
      renewed: (refused: Signature) => newerThan(refused.generation),
      setting: authorization.setting,
      secrets
    }
  })
