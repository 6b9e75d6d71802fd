import { Effect, Redacted } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { Answer, Authorization, Headers, Leaving, ProviderRequest } from "../contract.ts"

type Revealed = Readonly<Record<string, string>>

/** What signs requests, and which login it came from. */
export interface Signature {
  readonly generation: number
  /** @param now epoch milliseconds */
  readonly headers: (leaving: Leaving, now: number) => Revealed
}

export interface Credentials {
  /** The newest signature, to send with; null: there is none before a login. */
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

const reveal = (headers: Headers): Revealed =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), revealed(value)]))

const revealed = (value: Redacted.Redacted): string => Redacted.value(value)

/** A header's value, and the token alone where a scheme stands before it. */
const secretsIn = (headers: Revealed): ReadonlyArray<string> =>
  Object.values(headers).flatMap((value) => [value, value.replace(/^\w+\s+/, "")])

/** The same headers for every request. */
const always = (headers: Revealed) => (): Revealed => headers

/** So many signatures are remembered: those of all requests in flight, and more. */
const mostSigned = 256

/**
 * @param login sends the login request: through the same limits and retries as everything else, but unsigned
 */
export const makeCredentials = (
  authorization: Authorization,
  login: (request: ProviderRequest) => Effect.Effect<Answer, ProviderError>
): Effect.Effect<Credentials> =>
  Effect.gen(function* () {
    const secrets: Array<string> = [revealed(authorization.credential)]
    if (authorization._tag !== "Session") {
      const remember = (headers: Revealed): Revealed => {
        secrets.push(...secretsIn(headers).filter((secret) => !secrets.includes(secret)))
        if (secrets.length > mostSigned) secrets.splice(1, secrets.length - mostSigned)
        return headers
      }
      const signature: Signature = {
        generation: 0,
        headers:
          authorization._tag === "Fixed"
            ? always(remember(reveal(authorization.headers)))
            : (leaving, now) => remember(reveal(authorization.sign(leaving, now)))
      }
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
      signature = { generation: (signature?.generation ?? 0) + 1, headers: always(revealedHeaders) }
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
