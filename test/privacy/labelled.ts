import type { Kind } from "../../src/privacy/recognize.ts"

/*
 * What people write, with what is personal in it marked: `⟦phone:+49 151 2345678⟧`. All of it is made up: numbers are of
 * ranges that are reserved for examples or belong to nobody known, cards and accounts are published test numbers.
 */

const lines = `
Please call me at ⟦phone:+49 151 23456789⟧ after six.
My number is ⟦phone:+491512345678⟧
⟦phone:+49 (0)89 1234567⟧ is the office
tel.: ⟦phone:089/1234567⟧
Erreichbar unter ⟦phone:0151-23456789⟧ oder ⟦email:anna.schmidt@example.de⟧
Telefon ⟦phone:(0711) 123456⟧
Rufen Sie bitte ⟦phone:0049 30 1234567⟧ an
Handy: ⟦phone:0171 2345678⟧, danke!
(⟦phone:+43 660 1234567⟧)
Ruf mich an: ⟦phone:+41 79 123 45 67⟧.
Schweiz ⟦phone:079 123 45 67⟧ oder ⟦phone:044 668 18 00⟧
call ⟦phone:(415) 555-2671⟧ or ⟦phone:415-555-2672⟧
my cell is ⟦phone:415.555.2671⟧
⟦phone:+1 415 555 2671⟧ works too, ext 12
Dial ⟦phone:1-800-555-2671⟧ for help
whatsapp ⟦phone:4155552671⟧
text me at ⟦phone:2025550143⟧
You can reach us at ⟦phone:+44 20 7946 0958⟧
UK mobile ⟦phone:07700 900123⟧
office ⟦phone:020 7946 0958⟧, home ⟦phone:01632 960001⟧
⟦phone:+447700900123⟧
⟦phone:(01632) 960 001⟧ please ring after 5
Mon numéro: ⟦phone:06 12 34 56 78⟧
appelez-moi au ⟦phone:06.12.34.56.78⟧
portable ⟦phone:0612345678⟧
⟦phone:+33 6 12 34 56 78⟧ merci
⟦phone:+33(0)612345678⟧
teléfono: ⟦phone:612 345 678⟧
mi móvil es ⟦phone:612345678⟧
⟦phone:+34 612 34 56 78⟧
cellulare ⟦phone:347 123 4567⟧
⟦phone:+39 347 1234567⟧
chiamami al ⟦phone:06 1234 5678⟧
telefoon ⟦phone:06-12345678⟧
⟦phone:+31 6 12345678⟧ graag
bel ⟦phone:0470 12 34 56⟧
⟦phone:+32 470 12 34 56⟧
numer telefonu: ⟦phone:512 345 678⟧
⟦phone:+48 512 345 678⟧
telefon ⟦phone:777 123 456⟧
⟦phone:+420 777 123 456⟧
⟦phone:+36 20 123 4567⟧
мой телефон ⟦phone:8 (916) 123-45-67⟧
звоните ⟦phone:+7 916 123-45-67⟧
⟦phone:8 916 123-45-67⟧ после обеда
⟦phone:+380 67 123 4567⟧
⟦phone:+90 532 123 45 67⟧
cep ⟦phone:0532 123 45 67⟧
⟦phone:+972 52-123-4567⟧
⟦phone:052-123-4567⟧
هاتف: ⟦phone:+971 50 123 4567⟧
رقمي ⟦phone:+٩٧١ ٥٠ ١٢٣ ٤٥٦٧⟧ شكرا
هاتف ⟦phone:٠٥٠١٢٣٤٥٦٧⟧
⟦phone:+966 50 123 4567⟧
⟦phone:+20 100 123 4567⟧
⟦phone:+234 803 123 4567⟧
⟦phone:0803 123 4567⟧ is my line
⟦phone:+254 712 345678⟧
⟦phone:+27 82 123 4567⟧
⟦phone:082 123 4567⟧
मेरा फोन ⟦phone:98765 43210⟧
call me on ⟦phone:9876543210⟧
⟦phone:+91 98765 43210⟧
⟦phone:+91-9876543210⟧
मोबाइल ⟦phone:+९१ ९८७६५ ४३२१०⟧
⟦phone:+92 300 1234567⟧
⟦phone:+880 1712-345678⟧
⟦phone:+62 812-3456-7890⟧
WA ⟦phone:0812-3456-7890⟧
hubungi ⟦phone:081234567890⟧
⟦phone:+60 12-345 6789⟧
⟦phone:012-345 6789⟧ boleh whatsapp
⟦phone:+65 9123 4567⟧
phone ⟦phone:91234567⟧
⟦phone:+63 917 123 4567⟧
โทร ⟦phone:081 234 5678⟧
⟦phone:+66 81 234 5678⟧
⟦phone:+84 91 234 56 78⟧
我的手机 ⟦phone:138 0013 8000⟧
电话：⟦phone:13800138000⟧
⟦phone:+86 138 0013 8000⟧
⟦phone:+852 9123 4567⟧
携帯は⟦phone:090-1234-5678⟧です
⟦phone:+81 90-1234-5678⟧
電話 ⟦phone:03-1234-5678⟧
전화 ⟦phone:010-1234-5678⟧
⟦phone:+82 10-1234-5678⟧
⟦phone:+61 412 345 678⟧
mobile ⟦phone:0412 345 678⟧
⟦phone:(02) 9374 4000⟧ in business hours
⟦phone:+64 21 123 4567⟧
⟦phone:+55 11 91234-5678⟧
meu celular: ⟦phone:(11) 91234-5678⟧
⟦phone:11 91234-5678⟧ me chama
⟦phone:+52 55 1234 5678⟧
mi celular ⟦phone:55 1234 5678⟧
⟦phone:+54 9 11 1234-5678⟧
⟦phone:+57 300 123 4567⟧
⟦phone:+56 9 1234 5678⟧
⟦phone:+51 912 345 678⟧
tlf ⟦phone:412 34 567⟧
⟦phone:+47 412 34 567⟧
⟦phone:+45 12 34 56 78⟧
mob ⟦phone:070-123 45 67⟧
⟦phone:+46 70 123 45 67⟧
puhelin ⟦phone:040 1234567⟧
⟦phone:+358 40 1234567⟧
⟦phone:+353 85 123 4567⟧
⟦phone:+351 912 345 678⟧
⟦phone:+30 691 234 5678⟧
⟦phone:+40 721 234 567⟧
wa.me/⟦phone:4915123456789⟧
https://wa.me/⟦phone:60123456789⟧?text=hi
tel:⟦phone:+14155552671⟧
\u202a⟦phone:+49 151 2345 6789⟧\u202c
⟦phone:+49\u00a0151\u00a023456789⟧
Nummer: 2 mal versucht, ⟦phone:0151 2345678⟧ ging nicht
reach me: ⟦phone:+49-151-23456789⟧/⟦email:max@example.org⟧
⟦phone:+49.151.23456789⟧
⟦phone:＋４９１５１２３４５６７８⟧ ist meine
my number's ⟦phone:555-867-5309⟧ lol
wrong number, use ⟦phone:+1 (212) 555-0187⟧ instead
my email is ⟦email:jane.doe@example.com⟧.
⟦email:jane+tag@sub.example.co.uk⟧
write to <⟦email:o'brien@example.ie⟧>
mailto:⟦email:info@example.org⟧
Email：⟦email:wang@example.cn⟧
"⟦email:first_last@example.travel⟧"
⟦email:ANNA@EXAMPLE.COM⟧!
⟦email:jörg@müller.example⟧
⟦email:user@xn--mller-kva.example⟧ and ⟦email:почта@пример.рф⟧
contact: ⟦email:a@b.io⟧, ⟦email:c.d@e-f.example⟧
⟦email:jane (at) example (dot) com⟧
⟦email:jane[at]example.com⟧
it's ⟦email:first.last@firma-gmbh.de⟧,danke
⟦email:12345@example.com⟧
card ⟦card:4111 1111 1111 1111⟧ 12/27 cvv 123
⟦card:4111111111111111⟧
my amex ⟦card:3782 822463 10005⟧
⟦card:5555-5555-5555-4444⟧ please charge
mastercard ⟦card:2223003122003222⟧
⟦card:6011111111111117⟧
diners ⟦card:3056 9309 0259 04⟧
jcb ⟦card:3530111333300000⟧
unionpay ⟦card:6200000000000005⟧
maestro ⟦card:6759649826438453⟧
visa: ⟦card:4242 4242 4242 4242⟧, exp 01/30
IBAN ⟦iban:DE89 3704 0044 0532 0130 00⟧ bitte
⟦iban:DE89370400440532013000⟧
⟦iban:de89 3704 0044 0532 0130 00⟧ klein geschrieben
⟦iban:GB29 NWBK 6016 1331 9268 19⟧
⟦iban:FR14 2004 1010 0505 0001 3M02 606⟧
⟦iban:NL91ABNA0417164300⟧
⟦iban:AT61 1904 3002 3457 3201⟧
⟦iban:CH93 0076 2011 6238 5295 7⟧
⟦iban:ES91 2100 0418 4502 0005 1332⟧
⟦iban:IT60 X054 2811 1010 0000 0123 456⟧
⟦iban:PL61109010140000071219812874⟧
⟦iban:SE45 5000 0000 0583 9825 7466⟧
⟦iban:NO93 8601 1117 947⟧
⟦iban:BE68 5390 0754 7034⟧
⟦iban:TR33 0006 1005 1978 6457 8413 26⟧
⟦iban:AE07 0331 2345 6789 0123 456⟧
⟦iban:SA03 8000 0000 6080 1016 7519⟧
⟦iban:BR15 0000 0000 0000 1093 2840 814P 2⟧
pay to ⟦iban:LT12 1000 0111 0100 1000⟧ or ⟦iban:MT84 MALT 0110 0001 2345 MTLC AST0 01S⟧
order 4512345678 has not arrived
Order #0123456789 please
order no. 4155552671 is late
Bestellnummer 0151234567 ist da
Bestellung 2026-00012345
Rechnung RE-2026-0304-0012 vom 07.03.2026
invoice 20260307001
ticket 123-456-7890-1
Ref: 00123456789
my customer number is 1234567
Kundennummer 0301234567
tracking 00340434161094042557
tracking JD014600003RU123456
1Z999AA10123456784
parcel 1234 5678 9012
booking reference 2026030712345
account 12345678
PIN 123456, code 654321
the code is 845 221
OTP 482913
on 2026-03-07 at 10:30
07.03.2026 10:30 Uhr
07/03/2026
03-07-2026
7 3 2026
2026/03/07 12:00:00
20260307
20260307103000
2026-03-07T10:00:00.000Z
between 09:00-17:00
0800-1700 hrs
open 10-18, Sat 10-14
it costs 1.234.567,89 EUR
1,234,567.89 USD
1 234 567 kr
total 12 345 678 €
€ 1234567
$1234567890
EUR 0123456789
price 19.99 or 199,00
0,1234567 kg
weight 1234567 g
3.14159265358979
50.000000 % of 12345678
52.520008, 13.404954
lat -0.1276474 lon 51.5072178
192.168.100.200
10.0.0.1:8080
2001:0db8:85a3:0000:0000:8a2e:0370:7334
version 10.0.19045.3803
build 20260307.1
v1.2.3456789
550e8400-e29b-41d4-a716-446655440000
0123456789abcdef01234567
sha 5f70bf18a086007016e948b04aed3b82103a36be
id 70918000037909536
1757000000000
1757000000
timestamp 1757000000123
ISBN 978-3-16-148410-0
ISBN 0-306-40615-2
EAN 4006381333931
IMEI 490154203237518
VAT DE123456789
USt-IdNr. DE 123 456 789
VIN WVWZZZ1JZXW000001
postal code 10115 Berlin
PLZ 80331 München, Hausnummer 12
zip 94105-1234
12345-6789
row 123456, column 654321
room 1204, floor 12
flight LH 1234 at 0715
bus 0815 from 1200
size 38/40/42/44
ratio 16:9, 1920x1080
1920 1080 2560 1440
100 200 300 400 500
1 2 3 4 5 6 7 8 9
10 20 30
scores 21-19, 18-21, 21-15
we had 10,000,000 visitors in 2025-2026
1000000 rows, 2000000 more
the year 1999/2000
§ 123 456 789
@jane and #12345678
@handle is not an address
react@18.2.0 and vitest@3.2.4
foo@bar without a dot
user at example dot com means nothing
git rev 1234567
https://example.com/orders/4155552671
https://example.com/?id=4915123456789&x=1
file_0123456789.pdf
IMG_20260307_103000.jpg
order-0151-2345678
SKU 040-123-4567
part no. 415-555-2671
4111 1111 1111 1112
4111111111111112
1234 5678 9012 3456
7091800003790953
9999 9999 9999 9995
DE89 3704 0044 0532 0130 01
GB29 NWBK 6016 1331 9268 18
DE12 3456 7890 1234 5678 90
XX89 3704 0044 0532 0130 00
AB12 is the gate, CD34 the seat
matrix @user:server.example
2x4 6x8 10x12
temperature -12.5 to 37.25
17:30-19:00 0:15:30
1/2/3/4/5/6/7
call me maybe at 10
tel aviv 2026
I phoned 3 times in 2026
mobile app 10.12.2345
0.12.3456789
00000000
11111111111
12 34 56
0815 4711
+100 points
+5 -3 +12345678
C++ 2012345
the 00012345678 batch
Aktenzeichen 012 C 3456/26
1.000.000 x 2.000.000
Konto 0532013000 BLZ 37040044
`

export interface Labelled {
  readonly text: string
  readonly labels: ReadonlyArray<{ readonly kind: Kind; readonly value: string }>
}

const label = /⟦(email|phone|card|iban):([^⟧]*)⟧/g

export const labelled: ReadonlyArray<Labelled> = lines
  .trim()
  .split("\n")
  .map((line) => ({
    text: line.replace(label, (_, _kind, value) => value),
    labels: [...line.matchAll(label)].map(([, kind = "", value = ""]) => ({ kind: kind as Kind, value }))
  }))
