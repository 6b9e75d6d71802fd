import { describe, expect, it } from "vitest"
import { keyedHash } from "../../src/privacy/key.ts"
import { keepEverything, type PersonalFields, type Privacy } from "../../src/privacy/policy.ts"
import { makeRewriter, rewrite } from "../../src/privacy/rewrite.ts"
import { treatmentOf } from "../../src/privacy/treat.ts"

const fields: PersonalFields = {
  items: "within",
  id: "keep",
  person: "contact",
  key: "channel",
  name: "name",
  email: "email",
  phone: "phone",
  text: "text",
  tags: "text",
  kind: "keep",
  "kind.note": "text",
  at: "keep",
  lead: "within",
  "lead.id": "contact",
  meta: "open"
}

const hash = keyedHash(Buffer.alloc(32, 7))
const under = (privacy: Partial<Privacy>) => treatmentOf({ ...keepEverything, ...privacy }, hash)
const through = (privacy: Partial<Privacy>, text: string): string => rewrite(text, fields, under(privacy))
const strictest: Privacy = { names: "drop", emails: "drop", phones: "drop", texts: "drop" }
const hashed: Privacy = { names: "hash", emails: "hash", phones: "hash", texts: "mask" }

const record = `{ "id" : 9007199254740993.0, "name":"Jane Doe","email": "Jane@Example.com" ,"phone":"+49 151 23456789",
  "person":"4915123456789","key":"whatsapp_+4915123456789", "text":"I am J\\u00e4ne, +49 151 23456789","at":"2026-03-07T10:00:00Z",
  "tags":["vip","call 0151 2345678"],"lead":{"id":"+49 151 23456789","name":null,"n":1e400},"kind":[{"note":"a@b.io"}],
  "meta":{"a@b.io":{"deep":["Jane Doe",true,12]},"score":0.10}}`

describe("JSON on its way through the door", () => {
  it("stays as it was written where nothing is to be changed", () => {
    expect(rewrite(record, fields, under({}))).toBe(record)
  })

  it("has values hashed where they stand, equal ones alike, and all else as it was written", () => {
    const seen = through(hashed, record)
    const [name, email, phone] = [
      hash("name", "Jane Doe"),
      hash("email", "jane@example.com"),
      hash("phone", "+4915123456789")
    ]
    expect(seen).toBe(
      record
        .replace('"name":"Jane Doe"', `"name":"${name}"`)
        .replace("Jane@Example.com", email)
        .replace('"phone":"+49 151 23456789"', `"phone":"${phone}"`)
        .replace('"person":"4915123456789"', `"person":"${hash("phone", "4915123456789")}"`)
        .replace("whatsapp_+4915123456789", `whatsapp_${phone}`)
        .replace("I am J\\u00e4ne, +49 151 23456789", "I am Jäne, [phone]")
        .replace("call 0151 2345678", "call [phone]")
        .replace('"id":"+49 151 23456789"', `"id":"${phone}"`)
        .replace('"note":"a@b.io"', '"note":"[email]"')
        .replace('"a@b.io":', `"${hash("email", "a@b.io")}":`)
        .replace('["Jane Doe"', `["${name}"`)
    )
    expect(through(hashed, seen)).toBe(seen)
  })

  it("loses values that are dropped, and keeps ids that requests need", () => {
    const seen = JSON.parse(through(strictest, record)) as Record<string, unknown>
    expect(seen).toMatchObject({
      name: null,
      email: null,
      phone: null,
      text: null,
      tags: null,
      at: "2026-03-07T10:00:00Z"
    })
    expect(seen).toMatchObject({ key: "whatsapp_", person: hash("phone", "4915123456789") })
    expect(through(strictest, record)).toContain("9007199254740993.0")
    expect(through(strictest, record)).not.toMatch(/Jane|15123456789|@/)
  })

  it("is the same in whatever pieces it comes", () => {
    for (const privacy of [hashed, strictest]) {
      const whole = rewrite(record, fields, under(privacy))
      for (const size of [1, 2, 3, 7, 64]) {
        const rewriter = makeRewriter(fields, under(privacy))
        let seen = ""
        for (let i = 0; i < record.length; i += size) seen += rewriter.push(record.slice(i, i + size))
        expect(seen + rewriter.end()).toBe(whole)
      }
    }
  })

  it("is looked through to its end where it is no JSON", () => {
    const broken = [
      '{"name":"Jane Do',
      '{"name":Jane,"text":"a@b.io"}',
      "<html>Jane +49 151 23456789</html>",
      '{"meta":{"x":"Jane \\',
      '[{"name":"Jane"}}}]],{"name":"Jane"',
      "Jane",
      '"Jane"'
    ]
    for (const text of broken) expect(through(strictest, text)).not.toMatch(/Jane|23456789|@/)
  })

  it("keeps what is not documented only where it tells nothing of a person", () => {
    const fresh = (value: unknown) =>
      JSON.parse(through(strictest, JSON.stringify({ items: [{ fresh: value }] }))).items[0].fresh
    for (const plain of [
      12.5,
      true,
      null,
      "2026-03-07T10:00:00.000Z",
      "550e8400-e29b-41d4-a716-446655440000",
      "42"
    ]) {
      expect(fresh(plain)).toEqual(plain)
    }
    for (const personal of [
      "Jane Doe",
      "jane",
      "jane@example.com",
      "+4915123456789",
      4915123456789,
      "4915123456789"
    ]) {
      expect(fresh(personal)).toBeNull()
      expect(fresh([{ more: personal }])).toEqual([{ more: null }])
    }
    expect(fresh(1757000000)).toBe(1757000000)
    expect(fresh(1757000000123)).toBe(1757000000123)
  })

  it("goes by what an undocumented field is called", () => {
    const seen = through(
      { phones: "hash" },
      '{"items":[{"mobilePhone":"0151 2345678","note":"hello","telco":5}]}'
    )
    expect(seen).toBe(
      `{"items":[{"mobilePhone":"${hash("phone", "0151 2345678")}","note":"hello","telco":5}]}`
    )
  })

  it("still says that an answer failed, whatever its words are about", () => {
    expect(through(strictest, '{"error":"Jane Doe is blocked","items":[]}')).toBe(
      '{"error":"[left out]","items":[]}'
    )
    expect(through(strictest, '{"success":false,"code":"NOT_FOUND"}')).toBe(
      '{"success":false,"code":"NOT_FOUND"}'
    )
    expect(through({ texts: "mask" }, '{"message":"no a@b.io","detail":[{"msg":"x"}]}')).toBe(
      '{"message":"no [email]","detail":[{"msg":"x"}]}'
    )
  })

  it("leaves texts alone where only addresses are hashed, and finds those where no one has said what a field is", () => {
    const seen = through(
      { emails: "hash" },
      '{"text":"I am a@b.io","meta":{"say":"write to a@b.io","who":"a@b.io"}}'
    )
    expect(seen).toBe(
      `{"text":"I am a@b.io","meta":{"say":"write to [email]","who":"${hash("email", "a@b.io")}"}}`
    )
  })

  it("holds no more of a text in memory than an element may have", () => {
    const rewriter = makeRewriter(fields, under(strictest), 1000)
    let seen = rewriter.push('{"text":"')
    for (let i = 0; i < 100; i++) seen += rewriter.push("Jane".repeat(25))
    seen += rewriter.push('","name":"Jane"}') + rewriter.end()
    expect(seen).not.toContain("Jane")
    expect(seen.length).toBeGreaterThan(10_000)
  })

  it("nests as deep as it likes", () => {
    const deep = `${'{"meta":['.repeat(20_000)}"Jane"${"]}".repeat(20_000)}`
    expect(through(strictest, deep)).toBe(deep.replace('"Jane"', "null"))
  })
})

describe("hashes", () => {
  it("are the same for two ways of writing a value, and others for another key or kind", () => {
    expect(hash("phone", "+49 (151) 2345-6789")).toBe(hash("phone", "+4915123456789"))
    expect(hash("email", " Jane@Example.COM ")).toBe(hash("email", "jane@example.com"))
    expect(hash("name", "Jane  Doe")).toBe(hash("name", "jane doe"))
    expect(hash("email", "x")).not.toBe(hash("name", "x"))
    expect(keyedHash(Buffer.alloc(32, 8))("email", "x")).not.toBe(hash("email", "x"))
  })
})
