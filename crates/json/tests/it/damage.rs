//! Damages messages.

/// Returns numbers that look random and are the same in each run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Messages of `test.All`.
pub(crate) const SEEDS: [&str; 4] = [
    r#"{"int32":1,"int64":"-5","real64":1.5e-7,"flag":true,"text":"aé\u00e9\ud834\udd1e","data":"/+8=","color":"RED"}"#,
    r#"{"child":{"children":[{},{"numbers":[1,2,3]}]},"byName":{"a":{"maybe":0}},"byNumber":{"-1":"RED"},"first":3}"#,
    r#"{"any":{"child":{"any":{"value":"1.5s","@type":"x/google.protobuf.Duration"}},"@type":"x/test.All"},"mask":"a.bC,d"}"#,
    r#"{"object":{"a":[1,null,{"b":"c"}]},"time":"2024-02-29T00:00:00.001Z","wrapped":"7","old":{"closed":"A","part":{"x":1},"[old.note]":"n"}}"#,
];

/// Parts that are put into texts, because chance would not find them.
pub(crate) const PARTS: [&str; 16] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u",
    "\"@type\":\"x/test.All\",",
    "null",
    "-",
    "1e309",
    "\"value\":",
    "\\",
    "{}",
    "\u{7f}é",
];

/// Damages JSON in one to three places.
pub(crate) fn damage_json(numbers: &mut Numbers, seed: &str) -> Vec<u8> {
    let mut json = seed.as_bytes().to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(json.len());
        match numbers.below(4) {
            0 => json[at] = numbers.below(256) as u8,
            1 => drop(json.remove(at)),
            2 => drop(json.splice(at..at, PARTS[numbers.below(PARTS.len())].bytes())),
            _ => {
                let end = at + numbers.below(json.len() - at);
                let copy = json[at..end].to_vec();
                json.splice(at..at, copy);
            }
        }
    }
    json
}

/// Damages protobuf in one to three places.
pub(crate) fn damage_wire(numbers: &mut Numbers, seed: &[u8]) -> Vec<u8> {
    let mut wire = seed.to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(wire.len());
        match numbers.below(3) {
            0 => wire[at] = numbers.below(256) as u8,
            1 => drop(wire.remove(at)),
            _ => wire.insert(at, numbers.below(256) as u8),
        }
    }
    wire
}
