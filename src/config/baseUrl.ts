import { Either } from "effect"

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" ||
  hostname.endsWith(".localhost") ||
  hostname === "[::1]" ||
  /^127\.\d+\.\d+\.\d+$/.test(hostname)

/** A base URL without the slash at its end, or what is wrong with it. Messages never repeat the URL: it may hold a secret. */
export const readBaseUrl = (text: string): Either.Either<string, string> => {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null
  if (url === null || !/^https?:$/.test(url.protocol) || !/^https?:\/\/[^/]/i.test(text.trim())) {
    return Either.left("not a URL to send requests to; write it in full, such as https://api.example.com/v1")
  }
  if (url.username !== "" || url.password !== "") {
    return Either.left("a URL holds no credentials; take what stands before the @ out of it")
  }
  if (url.search !== "" || url.hash !== "" || /[?#]/.test(text)) {
    return Either.left("only scheme, host and path belong here; take the part from ? or # on out of it")
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    return Either.left(
      "plain http would show credentials to the network; write https:// (http is for localhost)"
    )
  }
  return Either.right(`${url.origin}${url.pathname}`.replace(/\/+$/, ""))
}
