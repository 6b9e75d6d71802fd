import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { type Asked, classify, loginRejected, notTheApi } from "../../../src/http/answer/classify.ts"
import { errorBody } from "../../../src/http/answer/errorBody.ts"
import { transportFailure } from "../../../src/http/answer/transportFailure.ts"

const asked: Asked = {
  title: "NaturaLead",
  connection: "leads",
  operation: "list conversations",
  credentialSetting: "apiKey",
  secrets: ["nl_live_topsecret"]
}

const now = Date.UTC(2026, 2, 7, 10, 41, 37)

const judge = (status: number, text = "", retryAt: number | null = null) =>
  classify(asked, { status, headers: {}, text, retryAt }, now)

describe("what an answer means", () => {
  it("takes every 2xx for a success", () => {
    for (const status of [200, 201, 202, 204]) assert.isNull(judge(status))
  })

  for (const [status, tag] of [
    [301, "Rejected"],
    [400, "Rejected"],
    [401, "Unauthorized"],
    [402, "Rejected"],
    [403, "Unauthorized"],
    [404, "Rejected"],
    [408, "Unavailable"],
    [409, "Rejected"],
    [410, "Rejected"],
    [422, "Rejected"],
    [425, "Unavailable"],
    [429, "RateLimited"],
    [449, "Queued"],
    [500, "Unavailable"],
    [502, "Unavailable"],
    [503, "Unavailable"],
    [599, "Unavailable"]
  ] as const) {
    it(`is ${tag} for ${status}`, () => {
      assert.strictEqual(judge(status)?._tag, tag)
    })
  }

  it("has a message and a hint for every status there may be", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.integer({ min: 300, max: 999 }), FastCheck.string(), (status, text) => {
        const error = judge(status, text)
        assert.isNotNull(error)
        assert.include(error?.message, "NaturaLead")
        assert.include(error?.message, "list conversations")
        assert.isAbove(error?.hint.length ?? 0, 10)
        assert.isBelow(error?.message.length ?? 0, 400)
      })
    )
  })

  it("names the setting after a 401", () => {
    const error = judge(401, '{"error":"Invalid or expired API key"}')
    assert.strictEqual(
      error?.message,
      "NaturaLead refused to list conversations (401): Invalid or expired API key"
    )
    assert.include(error?.hint, 'apiKey of connection "leads"')
  })

  it("names the permission after a 403", () => {
    const body = {
      error: "Forbidden",
      message: "API key does not have the required scope (requires: conversations:read)."
    }
    assert.include(judge(403, JSON.stringify(body))?.hint, "the permission conversations:read")
    assert.notInclude(judge(403, JSON.stringify(body))?.hint, "read.")
    assert.include(judge(403)?.hint, "permission to list conversations")
  })

  it("says until when to wait", () => {
    const error = judge(429, '{"code":429,"message":"Too Many Requests"}', now + 30_000)
    assert.include(error?.message, "Too Many Requests")
    assert.include(error?.hint, "10:42:07 UTC")
    assert.strictEqual(error?._tag === "RateLimited" ? error.retryAt : null, now + 30_000)
    assert.include(judge(503, "", now + 86_400_000)?.hint, "2026-03-08 10:41 UTC")
  })

  for (const [what, text] of [
    ["a page for people", "<!doctype html><html><head><title>404 Not Found</title></head></html>"],
    ["a piece of one", "<h1>404</h1>"],
    ["a proxy's words", "default backend - 404"],
    ["other words", "404 page not found"],
    ["a storage's", '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'],
    ["a piece of JSON", '{"error":']
  ] as const) {
    it(`takes no word for an absence that is no API's: ${what}`, () => {
      for (const status of [404, 410]) {
        const error = judge(status, text)
        assert.strictEqual(error?._tag, "Malformed")
        assert.include(
          error?.message,
          `the answer to the request to list conversations (${status}) did not come from NaturaLead's API: `
        )
        assert.include(error?.hint, 'baseUrl of connection "leads"')
        assert.include(error?.hint, "run again later")
        assert.notInclude(error?.hint, "deleted")
      }
      assert.strictEqual(judge(400, text)?._tag, "Rejected")
    })
  }

  it("takes an API's word for it: JSON, or nothing at all", () => {
    for (const text of ["", " \n", '{"error":"Not found"}', '{"detail":"Not Found"}', "{}", '"gone"'])
      for (const status of [404, 410]) {
        const error = judge(status, text)
        assert.strictEqual(error?._tag, "Rejected")
        assert.include(error?.hint, "it may have been deleted there")
      }
  })

  it("takes a rejected login for what it is, and says where to look", () => {
    const rejected = (status: number) => {
      const error = judge(status, '{"detail":"no"}')
      assert.isTrue(error?._tag === "Rejected")
      return error?._tag === "Rejected" ? loginRejected(asked, error) : null
    }
    assert.deepInclude(rejected(422), { _tag: "Unauthorized", status: 422 })
    assert.match(rejected(422)?.hint ?? "", /^check apiKey of connection "leads"; .*baseUrl/)
    assert.match(rejected(404)?.hint ?? "", /^check baseUrl of connection "leads"/)
  })

  it("takes a page for people for a wrong address", () => {
    const page = "<!doctype html><html><head><title>Sign in</title></head></html>"
    assert.include(judge(404, page)?.hint, "baseUrl")
    assert.include(judge(404, page)?.message, 'an HTML page titled "Sign in"')
    const odd = notTheApi(asked, { status: 200, headers: { "content-type": "text/html" }, text: page })
    assert.strictEqual(odd?._tag, "Malformed")
    assert.include(odd?.hint, "baseUrl")
    const answer = { status: 200, headers: { "content-type": "application/json" }, text: "[]", retryAt: null }
    assert.isNull(notTheApi(asked, answer))
  })
})

describe("what a vendor said", () => {
  for (const [body, words] of [
    ['{"error":"phone is required"}', "phone is required"],
    ['{"error":"Bad request","details":"page must be a number"}', "Bad request — page must be a number"],
    ['{"error":"Forbidden","message":"You may not"}', "Forbidden: You may not"],
    ['{"message":"Unauthorized workspace scope","code":"UNAUTHORIZED"}', "Unauthorized workspace scope"],
    [
      '{"message":"Bad input","code":"BAD_REQUEST","issues":[{"path":["convo","state"],"message":"Invalid enum value"}]}',
      "Bad input — convo.state: Invalid enum value"
    ],
    ['{"error":{"code":"NOT_FOUND","message":"Route /v3/x not found"}}', "Route /v3/x not found"],
    ['{"success":false,"message":"Too many"}', "Too many"],
    ['{"detail":"Not authenticated"}', "Not authenticated"],
    [
      '{"detail":[{"loc":["body","status"],"msg":"field required","input":"+33 6 12 34 56 78"}]}',
      "body.status: field required"
    ],
    ['{"code":404,"message":"Contact not found"}', "Contact not found"],
    ['["one","two"]', "one; two"],
    ['"just words"', "just words"],
    ["plain words", "plain words"],
    ["", ""],
    ["{}", ""],
    ["null", ""],
    ['{"error":', "an answer that is not valid JSON"]
  ] as const) {
    it(`is understood from ${body.slice(0, 50) || "nothing"}`, () => {
      assert.strictEqual(errorBody(body, []), words)
    })
  }

  it("never repeats a secret, an address or a telephone number", () => {
    const text =
      "key nl_live_topsecret of ann.lee+x@example.co.uk, +33 (0)6 12-34.56 78, Bearer abc, eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.abc1"
    const said = errorBody(JSON.stringify({ error: text }), ["nl_live_topsecret"])
    for (const part of ["topsecret", "ann", "example", "12-34", "56 78", "abc", "eyJ"])
      assert.notInclude(said, part)
  })

  it("is cut to one short line", () => {
    const said = errorBody(JSON.stringify({ error: "many words\n".repeat(100) }), [])
    assert.strictEqual(said.length, 200)
    assert.notInclude(said, "\n")
  })
})

describe("no answer at all", () => {
  const failure = (code: string, message = "it failed") =>
    transportFailure(asked, "api.example", {
      reason: "Transport",
      cause: Object.assign(new Error(message), { code })
    })

  for (const [code, words, hint, retry] of [
    ["ENOTFOUND", "does not exist", "baseUrl", false],
    ["EAI_AGAIN", "could not be looked up", "network", true],
    ["ECONNREFUSED", "refused the connection", "baseUrl", true],
    ["UND_ERR_CONNECT_TIMEOUT", "cannot be reached", "network", true],
    ["UND_ERR_SOCKET", "closed the connection", "nothing is lost", true],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "certificate", "NODE_EXTRA_CA_CERTS", false],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "certificate", "clock", false],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "does not speak https", "http or https", false],
    ["EMFILE", "this process may not open another file", "ulimit -n", true],
    ["EADDRNOTAVAIL", "no port left", "other programs", true],
    ["EPERM", "does not let a connection", "firewall", true],
    ["SOMETHING_NEW", "no usable answer", "later", true]
  ] as const) {
    it(`is explained: ${code}`, () => {
      const { error, retry: again } = failure(code)
      assert.strictEqual(error._tag, "Unavailable")
      assert.include(error.message, words)
      assert.include(error.hint, hint)
      assert.strictEqual(again, retry)
    })
  }

  it("does not drag the request with its credentials along as the cause", () => {
    const cause = {
      request: { headers: { authorization: "Bearer nl_live_topsecret" } },
      cause: new Error("reset")
    }
    const { error } = transportFailure(asked, "api.example", cause)
    assert.notInclude(JSON.stringify(error), "topsecret")
    assert.notInclude(String(error.cause), "topsecret")
  })
})
