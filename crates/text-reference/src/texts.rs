//! Texts: a few sentences in many scripts, and a generator of texts that are hard on tokenizers.

use crate::random::Random;

/// One sentence per script, written for this test.
pub const SENTENCES: [&str; 22] = [
    "The library's readers don't need 1,234.5 reasons; they've got one (or two).",
    "L'été dernier, nous avons goûté à l'œuvre d'un naïf garçon — ça coûtait 12 €.",
    "Über die Straße läuft ein müder Fuchs, groß wie ein Bär; wer's glaubt, heißt Jürgen.",
    "El niño pequeño preguntó: ¿cuándo llegará mañana el autobús número 7?",
    "Тихий вечер опустился на город, и ёжик побежал домой.",
    "Η γάτα κοιμήθηκε στο παράθυρο· ο ήλιος έδυσε αργά.",
    "Այսօր երեխաները խաղում են այգում։",
    "הילד קרא ספר ישן ליד החלון, ואז נרדם.",
    "ذهبَ الولدُ إلى المدرسةِ صباحًا، وكان الطقسُ باردًا ٣٤٥.",
    "बच्चे ने नदी के किनारे एक छोटी नाव देखी।",
    "ছেলেটি নদীর ধারে একটি ছোট নৌকা দেখল।",
    "குழந்தை ஆற்றங்கரையில் ஒரு சிறிய படகைக் கண்டது.",
    "เด็กชายเห็นเรือลำเล็กอยู่ริมแม่น้ำ",
    "ბავშვმა მდინარის პირას პატარა ნავი დაინახა.",
    "ልጁ በወንዙ ዳር ትንሽ ጀልባ አየ።",
    "孩子在河边看见一只小船，天快黑了。",
    "子供は川のそばで小さな船を見た。カタカナと漢字が混ざる。",
    "아이가 강가에서 작은 배를 보았다. 값은 3,000원이다.",
    "Đứa trẻ nhìn thấy một chiếc thuyền nhỏ bên bờ sông.",
    "Çocuk İstanbul'da ırmağın kıyısında küçük bir kayık gördü.",
    "👩‍🚀🚀 and 👨‍👩‍👧‍👦 met 🇫🇷 fans 😀😀 at 10½ o’clock",
    "កុមារឃើញទូកតូចមួយនៅមាត់ទន្លេ។",
];

/// Strings that some part treats in its own way.
const SPECIALS: [&str; 60] = [
    " ",
    "  ",
    "   ",
    "\n",
    "\r\n",
    "\n\n",
    "\t",
    "\u{b}",
    "\u{c}",
    "\u{85}",
    "\u{a0}",
    "\u{1680}",
    "\u{2003}",
    "\u{2028}",
    "\u{200b}",
    "\u{200d}",
    "\u{3000}",
    "\u{feff}",
    "\u{fffd}",
    "\u{0}",
    "\u{1}",
    "\u{1c}",
    "\u{7f}",
    "\u{ad}",
    "'s",
    "'S",
    "'\u{17f}",
    "'ll",
    "'LL",
    "'re",
    "'ve",
    "'d",
    "'",
    "’s",
    "▁",
    "▁▁",
    "Ġ",
    "Ċ",
    "##",
    "<unk>",
    "<s>",
    "</s>",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "<|endoftext|>",
    "<0x41>",
    "e\u{301}",
    "\u{301}",
    "\u{323}\u{307}",
    "\u{600}",
    "\u{600} ",
    "가각",
    "\u{1100}\u{1161}\u{11a8}",
    "ﬁ",
    "㍿",
    "ﷺ",
    "İ",
    "ẞ",
    "K",
];

/// Ranges of code points: scripts, marks, symbols, planes.
const RANGES: [(u32, u32); 40] = [
    (0x20, 0x7f),
    (0x20, 0x7f),
    (0x61, 0x7b),
    (0x61, 0x7b),
    (0x30, 0x3a),
    (0, 0x20),
    (0x80, 0x100),
    (0x100, 0x250),
    (0x2b0, 0x370),
    (0x300, 0x370),
    (0x370, 0x530),
    (0x590, 0x780),
    (0x900, 0xe00),
    (0xe00, 0x1100),
    (0x1100, 0x1200),
    (0x1200, 0x1800),
    (0x1800, 0x1e00),
    (0x1e00, 0x2000),
    (0x2000, 0x2070),
    (0x2070, 0x2200),
    (0x2200, 0x2c00),
    (0x2c00, 0x3000),
    (0x3000, 0x3100),
    (0x3100, 0x3400),
    (0x3400, 0x4e00),
    (0x4e00, 0xa000),
    (0xa000, 0xac00),
    (0xac00, 0xd800),
    (0xe000, 0xf900),
    (0xf900, 0xfb00),
    (0xfb00, 0xfe00),
    (0xfe00, 0x1_0000),
    (0x1_0000, 0x1_1000),
    (0x1_1000, 0x1_2000),
    (0x1_6800, 0x1_7000),
    (0x1_b000, 0x1_b300),
    (0x1_d000, 0x1_e000),
    (0x1_e000, 0x1_f000),
    (0x1_f000, 0x2_0000),
    (0x2_0000, 0x11_0000),
];

/// Any character, those of small scripts as often as those of large ones.
pub fn character(random: &mut Random) -> char {
    loop {
        let (start, end) = RANGES[random.below(RANGES.len())];
        if let Some(character) = char::from_u32(start + random.below((end - start) as usize) as u32) {
            return character;
        }
    }
}

/// A text. Words are made of `alphabet`, and `tokens` appear between them.
pub fn generated(random: &mut Random, alphabet: &[char], tokens: &[String]) -> String {
    let mut text = String::new();
    let parts = match random.below(8) {
        0 => random.below(2),
        1 => 40,
        _ => 1 + random.below(12),
    };
    for _ in 0..parts {
        match random.below(12) {
            0..=3 => word(random, alphabet, &mut text),
            4 | 5 => text.push(' '),
            6 => text.push_str(random.pick(&SPECIALS)),
            7 if !tokens.is_empty() => text.push_str(&tokens[random.below(tokens.len())]),
            8 => {
                for _ in 0..random.below(6) {
                    text.push(character(random));
                }
            }
            9 => {
                let sentence = random.pick(&SENTENCES);
                let words: Vec<&str> = sentence.split(' ').collect();
                let from = random.below(words.len());
                text.push_str(&words[from..words.len().min(from + 3)].join(" "));
            }
            10 => {
                let repeated = random.character(alphabet);
                text.extend(std::iter::repeat_n(repeated, random.below(20)));
            }
            _ => {
                text.push(' ');
                word(random, alphabet, &mut text);
            }
        }
    }
    text
}

fn word(random: &mut Random, alphabet: &[char], text: &mut String) {
    let length = match random.below(20_000) {
        0 => 10_000,
        1..=200 => 300,
        _ => random.below(8),
    };
    for _ in 0..length {
        text.push(random.character(alphabet));
    }
}
