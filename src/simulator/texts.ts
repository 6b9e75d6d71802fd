/** What people and their agents say in one language. `{slot}` is filled from the lists of the same language. */
export interface Language {
  readonly code: string
  readonly country: string
  readonly dialCode: string
  readonly firstNames: ReadonlyArray<string>
  readonly lastNames: ReadonlyArray<string>
  readonly opening: ReadonlyArray<string>
  readonly customer: ReadonlyArray<string>
  readonly agent: ReadonlyArray<string>
  readonly human: ReadonlyArray<string>
  readonly closing: ReadonlyArray<string>
  readonly slots: Readonly<Record<string, ReadonlyArray<string>>>
}

const english: Language = {
  code: "en",
  country: "US",
  dialCode: "+1",
  firstNames: ["Jane", "Omar", "Grace", "Liam", "Priya", "Noah", "Ella", "Marcus"],
  lastNames: ["Smith", "O'Neil", "Carter", "Patel", "Nguyen", "Brooks", "Walker"],
  opening: [
    "Hi, I'd like to book {service} for {day}.",
    "Hello! Do you still offer {service}?",
    "Hey, saw your ad about {service} – is it available {day}?",
    "Good morning, I have a question about {service}."
  ],
  customer: [
    "Would {time} work?",
    "Actually, could we make that {day} instead?",
    "How much is it? Someone told me {price}, is that right?",
    'My booking code is "{code}", can you check it?',
    "Sorry, I was away from my phone 😅",
    "Yes please 👍🏽",
    "ok",
    "Is there parking near {place}?",
    "I'd rather talk to a person about this.",
    "Two people, one of them a child.\nAnd a window seat if you have one.",
    "That sounds good to me.",
    "Can I pay by card on the day?"
  ],
  agent: [
    "Of course! We have {time} and a later slot on {day}.",
    "{service} is {price}, and that includes everything.",
    "Could you tell me your name and the best number to reach you?",
    "I found booking [{code}]. Shall I move it to {day} at {time}?",
    "We are at {place}, two minutes from the station.",
    "Just to confirm: {service}, {day}, {time}. Is that right?",
    "Thanks for waiting! I have noted that for you.",
    "I'm sorry, {day} is fully booked. Would another day suit you?",
    "You can change or cancel for free up to 24 hours before.",
    "Let me check that with a colleague."
  ],
  human: [
    "Hi, this is {name} from the team, I'm taking over from here.",
    "I've had a look at your file; I can offer {price}.",
    "I'll call you {day} around {time}, is that ok?"
  ],
  closing: [
    "Thank you, that's all!",
    "Great, see you {day}.",
    "Perfect, bye!",
    "Thanks, you've been very helpful."
  ],
  slots: {
    service: [
      "a haircut",
      "a teeth cleaning",
      "a test drive",
      "a double room",
      "an eye exam",
      "a house viewing"
    ],
    day: ["Monday", "Tuesday", "tomorrow", "Friday", "next week", "the 14th"],
    time: ["9:30 am", "11 am", "2:15 pm", "half past four", "6 pm"],
    price: ["$45", "$120", "$89.50", "$1,250"],
    place: ["12 Market Street", "the Riverside Mall", "Union Square"],
    name: ["Kate", "Daniel", "Ruth"]
  }
}

const german: Language = {
  code: "de",
  country: "DE",
  dialCode: "+49",
  firstNames: ["Jürgen", "Anneliese", "Paul", "Zoë", "Mehmet", "Friederike", "Björn"],
  lastNames: ["Müller", "Weiß", "Schäfer", "Yılmaz", "von der Heide", "Großmann"],
  opening: [
    "Guten Tag, ich möchte gern {service} am {day} buchen.",
    "Hallo, bieten Sie noch {service} an?",
    "Moin! Ist {day} noch etwas frei für {service}?"
  ],
  customer: [
    "Geht auch {time}?",
    "Was kostet das? Auf der Seite steht „{price}“.",
    "Meine Buchungsnummer ist {code}.",
    "Könnten wir das auf {day} verschieben?",
    "Ja, das passt mir gut.",
    "Gibt es Parkplätze in der Nähe von {place}?",
    "Ich hätte lieber mit einem Menschen gesprochen.",
    "Entschuldigung für die späte Antwort 🙈",
    "ok",
    "Zwei Personen, bitte.\nEine davon im Rollstuhl."
  ],
  agent: [
    "Sehr gern! Am {day} hätten wir {time} frei.",
    "{service} kostet {price}, alles inklusive.",
    "Verraten Sie mir bitte Ihren Namen und eine Telefonnummer?",
    "Ich habe die Buchung [{code}] gefunden. Soll ich sie auf {day} legen?",
    "Sie finden uns hier: {place}.",
    "Nur zur Bestätigung: {service}, {day}, {time} – richtig?",
    "Leider ist {day} schon ausgebucht. Ginge ein anderer Tag?",
    "Bis 24 Stunden vorher können Sie kostenlos absagen."
  ],
  human: [
    "Guten Tag, hier ist {name} vom Team, ich übernehme ab hier.",
    "Ich rufe Sie {day} gegen {time} an, einverstanden?"
  ],
  closing: ["Vielen Dank, das war alles!", "Super, dann bis {day}.", "Danke schön, tschüss!"],
  slots: {
    service: [
      "einen Haarschnitt",
      "eine Zahnreinigung",
      "eine Probefahrt",
      "ein Doppelzimmer",
      "eine Besichtigung"
    ],
    day: ["Montag", "Dienstag", "morgen", "Freitag", "nächste Woche", "den 14."],
    time: ["9:30 Uhr", "11 Uhr", "14:15 Uhr", "halb fünf"],
    price: ["45 €", "89,50 €", "1.250 €"],
    place: ["Marktstraße 12", "Alexanderplatz", "Königsallee 3"],
    name: ["Frau Köhler", "Herr Böhm"]
  }
}

const chinese: Language = {
  code: "zh",
  country: "CN",
  dialCode: "+86",
  firstNames: ["伟", "芳", "秀英", "子轩", "静"],
  lastNames: ["王", "李", "欧阳", "张", "陈"],
  opening: [
    "你好，我想预约{day}的{service}。",
    "请问{service}还有名额吗？",
    "您好，看到广告，想了解一下{service}。"
  ],
  customer: [
    "{time}可以吗？",
    "多少钱？听说是{price}。",
    "我的预约号是“{code}”。",
    "能改到{day}吗？",
    "好的👌",
    "好",
    "{place}附近好停车吗？",
    "我想和人工客服说话。"
  ],
  agent: [
    "可以的，{day}还有{time}的空位。",
    "{service}的价格是{price}，包含所有费用。",
    "请问怎么称呼您？方便留个电话吗？",
    "已找到预约【{code}】，要改到{day}吗？",
    "我们在{place}，离地铁站两分钟。",
    "抱歉，{day}已经约满了。"
  ],
  human: ["您好，我是客服{name}，接下来由我为您服务。", "我{day}{time}左右给您打电话，可以吗？"],
  closing: ["谢谢，没有别的问题了！", "好的，{day}见。"],
  slots: {
    service: ["理发", "洗牙", "试驾", "双人房", "看房"],
    day: ["周一", "周二", "明天", "下周", "14号"],
    time: ["上午九点半", "十一点", "下午两点一刻"],
    price: ["￥300", "￥1280", "五百元"],
    place: ["人民广场", "中关村大街12号"],
    name: ["小周", "刘经理"]
  }
}

const arabic: Language = {
  code: "ar",
  country: "AE",
  dialCode: "+971",
  firstNames: ["محمد", "فاطمة", "يوسف", "ليلى", "عمر"],
  lastNames: ["الحسن", "المنصوري", "خليل", "العلي"],
  opening: ["مرحبا، أريد حجز {service} يوم {day}.", "السلام عليكم، هل {service} متاح؟"],
  customer: [
    "هل يناسبكم {time}؟",
    "كم السعر؟ سمعت أنه {price}.",
    "رقم الحجز «{code}».",
    "هل يمكن التغيير إلى {day}؟",
    "نعم، من فضلك 🙏",
    "تمام",
    "أفضّل التحدث مع موظف."
  ],
  agent: [
    "بالطبع! لدينا {time} يوم {day}.",
    "سعر {service} هو {price} شامل كل شيء.",
    "ما اسمك الكريم ورقم هاتفك؟",
    "وجدت الحجز [{code}]، هل أنقله إلى {day}؟",
    "نحن في {place}.",
    "عذرا، {day} محجوز بالكامل."
  ],
  human: ["مرحبا، معك {name} من الفريق، سأتابع معك من هنا.", "سأتصل بك {day} حوالي {time}."],
  closing: ["شكرا جزيلا، هذا كل شيء!", "ممتاز، إلى اللقاء يوم {day}."],
  slots: {
    service: ["قص الشعر", "تنظيف الأسنان", "تجربة قيادة", "غرفة مزدوجة"],
    day: ["الاثنين", "الثلاثاء", "غدا", "الجمعة"],
    time: ["٩:٣٠ صباحا", "١١ صباحا", "٢:١٥ مساء"],
    price: ["١٥٠ درهما", "٤٥٠ درهما"],
    place: ["شارع الشيخ زايد", "دبي مول"],
    name: ["سارة", "خالد"]
  }
}

const thai: Language = {
  code: "th",
  country: "TH",
  dialCode: "+66",
  firstNames: ["สมชาย", "สุดา", "กิตติ", "มะลิ"],
  lastNames: ["ใจดี", "ศรีสุข", "แก้วมณี"],
  opening: ["สวัสดีค่ะ อยากจอง{service}วัน{day}", "สวัสดีครับ {service}ยังมีคิวไหมครับ"],
  customer: [
    "{time}ได้ไหมคะ",
    "ราคาเท่าไหร่ครับ เห็นว่า {price}",
    'รหัสการจองคือ "{code}"',
    "เลื่อนเป็นวัน{day}ได้ไหม",
    "ได้ค่ะ 🙏🏼",
    "โอเค",
    "ขอคุยกับเจ้าหน้าที่ได้ไหมครับ"
  ],
  agent: [
    "ได้ค่ะ วัน{day}ว่าง{time}",
    "{service}ราคา {price} รวมทุกอย่างแล้วค่ะ",
    "ขอชื่อกับเบอร์โทรด้วยนะคะ",
    "พบการจอง [{code}] ค่ะ จะเลื่อนเป็นวัน{day}ไหมคะ",
    "ร้านอยู่ที่{place}ค่ะ",
    "ขออภัยค่ะ วัน{day}เต็มแล้ว"
  ],
  human: ["สวัสดีครับ ผม{name}จากทีมงาน ขอดูแลต่อนะครับ", "ผมจะโทรหาวัน{day} ประมาณ{time}ครับ"],
  closing: ["ขอบคุณมากค่ะ แค่นี้ค่ะ", "ดีเลย เจอกันวัน{day}"],
  slots: {
    service: ["ตัดผม", "ขูดหินปูน", "ทดลองขับ", "ห้องพักคู่"],
    day: ["จันทร์", "อังคาร", "ศุกร์", "ที่ 14"],
    time: ["เก้าโมงครึ่ง", "บ่ายสอง", "ห้าโมงเย็น"],
    price: ["450 บาท", "1,200 บาท"],
    place: ["สยาม", "ถนนสุขุมวิท 21"],
    name: ["วิชัย", "ต้น"]
  }
}

/** The languages, each as often as it is to occur. */
export const languages: ReadonlyArray<Language> = [
  english,
  english,
  english,
  english,
  german,
  german,
  german,
  chinese,
  arabic,
  thai
]
