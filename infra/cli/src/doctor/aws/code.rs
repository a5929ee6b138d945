//! Reads for which machine the deployed code was built (pure).

use std::io::Read as _;

use flate2::read::DeflateDecoder;

/// The bytes of a package that have to be read: the first entry's name, and the beginning of the entry.
pub(super) const HEAD: usize = 64 * 1024;

/// The machine of the program that begins a package, as Lambda names it, or the reason for which it is none. Nothing
/// where the package begins with something else.
pub(super) fn architecture(zip: &[u8]) -> Option<Result<&'static str, &'static str>> {
    let program = beginning(zip)?;
    let machine = program
        .get(18..20)
        .filter(|_| program.starts_with(b"\x7fELF"));
    Some(match machine {
        Some([62, 0]) => Ok("x86_64"),
        Some([183, 0]) => Ok("arm64"),
        Some(_) => Err("the program is for a machine that Lambda does not have"),
        None => Err("the program is no Linux program"),
    })
}

/// The first bytes of `bootstrap`, which is stored or deflated. Fields as in section 4.3.7 of PKWARE's APPNOTE.
fn beginning(zip: &[u8]) -> Option<Vec<u8>> {
    let number = |at: usize| Some(u16::from_le_bytes(zip.get(at..at + 2)?.try_into().ok()?));
    let (name, extra) = (usize::from(number(26)?), usize::from(number(28)?));
    if !zip.starts_with(b"PK\x03\x04") || zip.get(30..30 + name)? != b"bootstrap" {
        return None;
    }
    let data = zip.get(30 + name + extra..)?;
    let mut program = Vec::new();
    match number(8)? {
        0 => program.extend_from_slice(data),
        8 => {
            // A range ends in the middle of the data, which the decoder takes for a fault.
            let _ = DeflateDecoder::new(data).take(20).read_to_end(&mut program);
        }
        _ => return None,
    }
    program.truncate(20);
    Some(program)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    fn program(machine: u16) -> Vec<u8> {
        // Nothing that a compressor makes short.
        let mut program: Vec<u8> = (0..4096_u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        program[..4].copy_from_slice(b"\x7fELF");
        program[18..20].copy_from_slice(&machine.to_le_bytes());
        program
    }

    fn package(name: &str, deflated: bool, program: &[u8]) -> Vec<u8> {
        let mut zip = vec![0; 30];
        zip[..4].copy_from_slice(b"PK\x03\x04");
        zip[8] = if deflated { 8 } else { 0 };
        zip[26] = u8::try_from(name.len()).unwrap();
        zip.extend_from_slice(name.as_bytes());
        if deflated {
            let mut encoder = DeflateEncoder::new(zip, Compression::default());
            encoder.write_all(program).unwrap();
            return encoder.finish().unwrap();
        }
        zip.extend_from_slice(program);
        zip
    }

    #[test]
    fn machine_is_read_from_the_beginning_of_a_package() {
        for deflated in [false, true] {
            for (machine, expected) in [(62, "x86_64"), (183, "arm64")] {
                let whole = package("bootstrap", deflated, &program(machine));
                assert_eq!(architecture(&whole), Some(Ok(expected)));
                // A range ends anywhere.
                assert_eq!(architecture(&whole[..whole.len() - 10]), Some(Ok(expected)));
            }
        }
        for other in [&program(3)[..], &[b'#'; 40], b"#!"] {
            for deflated in [false, true] {
                let whole = package("bootstrap", deflated, other);
                assert!(matches!(architecture(&whole), Some(Err(_))), "{other:?}");
            }
        }
        assert_eq!(architecture(&package("other", false, &program(62))), None);
        for cut in 0..60 {
            let whole = package("bootstrap", false, &program(62));
            let _ = architecture(&whole[..cut]);
        }
    }
}
