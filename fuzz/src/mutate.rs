//! Mutation of seeds: bytes flipped, runs cut, doubled, spliced from another seed, and values that break counts and lengths.

/// Inputs grow to this many bytes at the most.
const INPUT_BYTES_MAX: usize = 1 << 14;

/// Values at which counts, lengths and offsets go wrong.
const HOSTILE: [&[u8]; 10] = [
    &[0xff, 0xff, 0xff, 0xff],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
    &[0; 8],
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"type\":\"array\",\"items\":",
    b"-1e999",
];

/// Yields mutated inputs for ever; the same seed and seeds yield the same inputs.
pub(crate) struct Mutator {
    state: u64,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    pub(crate) fn new(seed: u64, seeds: Vec<Vec<u8>>) -> Self {
        Self { state: seed ^ 0x9e37_79b9_7f4a_7c15, seeds }
    }

    /// The next input: a seed changed in one to eight places.
    pub(crate) fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(8) {
            0 => input.truncate(at),
            1 if at < input.len() => input[at] ^= 1 << self.below(8),
            2 if at < input.len() => input[at] = self.random() as u8,
            3 => {
                let end = (at + self.below(32)).min(input.len());
                input.drain(at..end);
            }
            4 => {
                let end = (at + self.below(64)).min(input.len());
                let run = input[at..end].to_vec();
                input.splice(at..at, run);
            }
            5 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                input.splice(at..at, other[from..].iter().copied());
            }
            6 => {
                let hostile = HOSTILE[self.below(HOSTILE.len())];
                let end = (at + hostile.len()).min(input.len());
                input.splice(at..end, hostile.iter().copied());
            }
            _ => input.insert(at, self.random() as u8),
        }
    }

    fn seed(&mut self) -> Vec<u8> {
        let index = self.below(self.seeds.len());
        self.seeds.get(index).cloned().unwrap_or_default()
    }

    fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.random() % bound as u64) as usize }
    }

    /// xorshift64*: enough for choosing places.
    fn random(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// The input as text that can be pasted into a test.
pub(crate) fn printable(input: &[u8]) -> String {
    input.escape_ascii().to_string()
}
