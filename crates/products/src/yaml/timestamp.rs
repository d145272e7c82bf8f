//! Dates and times, as Python reads them and spells them in ISO form.

/// A timestamp in its ISO form, or nothing if there is no such day or time.
pub(super) fn iso(text: &str) -> Option<String> {
    // Python's pattern is content with a line break after the last character.
    let written = Written::read(text.strip_suffix('\n').unwrap_or(text))?;
    let date = written.date()?;
    match &written.time {
        None => Some(date),
        Some(time) => Some(format!("{date}T{}", time.iso()?)),
    }
}

/// Whether a plain scalar is a timestamp without being called one: a bare date needs all its digits.
pub(super) fn is_implicit(text: &str) -> bool {
    Written::read(text).is_some_and(|written| written.time.is_some() || text.len() == "2024-01-02".len())
}

/// What stands there, before it is asked whether that can be.
struct Written<'a> {
    year: u32,
    month: u32,
    day: u32,
    time: Option<WrittenTime<'a>>,
}

struct WrittenTime<'a> {
    hour: u32,
    minute: u32,
    second: u32,
    fraction: &'a str,
    zone: Zone,
}

enum Zone {
    None,
    /// Minutes east of Greenwich.
    Offset(i32),
}

impl<'a> Written<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut rest = Rest(text);
        let year = rest.number(4, 4)?;
        rest.expect('-')?;
        let month = rest.number(1, 2)?;
        rest.expect('-')?;
        let day = rest.number(1, 2)?;
        let time = if rest.0.is_empty() { None } else { Some(WrittenTime::read(&mut rest)?) };
        Some(Self { year, month, day, time })
    }

    fn date(&self) -> Option<String> {
        let Self { year, month, day, .. } = *self;
        let is_real = year > 0 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        is_real.then(|| format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl<'a> WrittenTime<'a> {
    /// All that is left must be a time.
    fn read(rest: &mut Rest<'a>) -> Option<Self> {
        if rest.expect('T').or_else(|| rest.expect('t')).is_none() && rest.blanks() == 0 {
            return None;
        }
        let hour = rest.number(1, 2)?;
        rest.expect(':')?;
        let minute = rest.number(2, 2)?;
        rest.expect(':')?;
        let second = rest.number(2, 2)?;
        let fraction = if rest.expect('.').is_some() { rest.digits(0, usize::MAX)? } else { "" };
        let zone = if rest.0.is_empty() { Zone::None } else { zone(rest)? };
        rest.0.is_empty().then_some(Self { hour, minute, second, fraction, zone })
    }

    fn iso(&self) -> Option<String> {
        let Self { hour, minute, second, .. } = *self;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut out = format!("{hour:02}:{minute:02}:{second:02}");
        let micros = format!("{:0<6.6}", self.fraction);
        if micros.bytes().any(|byte| byte != b'0') {
            out.push('.');
            out.push_str(&micros);
        }
        if let Zone::Offset(minutes) = self.zone {
            const DAY: u32 = 24 * 60;
            let (sign, size) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
            if size >= DAY {
                return None;
            }
            out = format!("{out}{sign}{:02}:{:02}", size / 60, size % 60);
        }
        Some(out)
    }
}

fn zone(rest: &mut Rest<'_>) -> Option<Zone> {
    rest.blanks();
    if rest.expect('Z').is_some() {
        return Some(Zone::Offset(0));
    }
    let sign = if rest.expect('-').is_some() { -1 } else { rest.expect('+').map(|()| 1)? };
    let hours = rest.number(1, 2)?;
    let minutes = if rest.expect(':').is_some() { rest.number(2, 2)? } else { 0 };
    Some(Zone::Offset(sign * (hours * 60 + minutes) as i32))
}

/// What is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn expect(&mut self, character: char) -> Option<()> {
        self.0 = self.0.strip_prefix(character)?;
        Some(())
    }

    fn blanks(&mut self) -> usize {
        let rest = self.0.trim_start_matches([' ', '\t']);
        let count = self.0.len() - rest.len();
        self.0 = rest;
        count
    }

    fn digits(&mut self, fewest: usize, most: usize) -> Option<&'a str> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        (count >= fewest).then_some(digits)
    }

    fn number(&mut self, fewest: usize, most: usize) -> Option<u32> {
        self.digits(fewest, most)?.parse().ok()
    }
}

fn days_in(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
