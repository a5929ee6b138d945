//! A PNG writer for generated pictures: four bits a pixel, uncompressed, so that the length of the
//! file is known without writing it.

use super::scene::{COLOURS, Scene};

pub(super) const WIDTH: u32 = 96;
pub(super) const HEIGHT: u32 = 72;

const ROW: usize = WIDTH as usize / 2 + 1;
const PIXELS: usize = ROW * HEIGHT as usize;
const COMMENT: usize = "Comment\0".len() + 16;

/// Signature, then the chunks IHDR, PLTE, tEXt, IDAT and IEND with 12 bytes of frame each. The
/// pixels are one stored deflate block (5) in a zlib frame (6).
pub(super) const LENGTH: u64 = (8 + 12 * 5 + 13 + 3 * COLOURS + COMMENT + (PIXELS + 11)) as u64;

/// A decodable picture, different for every seed.
pub(super) fn picture(seed: u64) -> Vec<u8> {
    let scene = Scene::of(seed);
    let mut file = Vec::with_capacity(LENGTH as usize);
    file.extend_from_slice(b"\x89PNG\r\n\x1a\n");
    let mut header = Vec::with_capacity(13);
    header.extend_from_slice(&WIDTH.to_be_bytes());
    header.extend_from_slice(&HEIGHT.to_be_bytes());
    header.extend_from_slice(&[4, 3, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"PLTE", scene.palette.as_flattened());
    chunk(
        &mut file,
        b"tEXt",
        format!("Comment\0{seed:016x}").as_bytes(),
    );
    chunk(&mut file, b"IDAT", &stored_zlib(&rows(&scene)));
    chunk(&mut file, b"IEND", &[]);
    file
}

/// Two pixels a byte; each row begins with its filter, which is none.
fn rows(scene: &Scene) -> Vec<u8> {
    let mut rows = Vec::with_capacity(PIXELS);
    for row in scene.paint(WIDTH, HEIGHT).chunks(WIDTH as usize) {
        rows.push(0);
        rows.extend(row.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
    }
    rows
}

fn stored_zlib(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("a generated picture fits one stored block");
    let mut out = vec![0x78, 0x01, 1];
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&(!length).to_le_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(&adler32(data).to_be_bytes());
    out
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).expect("chunks are small");
    file.extend_from_slice(&length.to_be_bytes());
    let start = file.len();
    file.extend_from_slice(kind);
    file.extend_from_slice(data);
    let crc = crc32(&file[start..]);
    file.extend_from_slice(&crc.to_be_bytes());
}

fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0u32; 256];
    let mut n = 0;
    while n < 256 {
        let mut c = n as u32;
        let mut bit = 0;
        while bit < 8 {
            c = if c & 1 == 1 {
                0xedb8_8320 ^ (c >> 1)
            } else {
                c >> 1
            };
            bit += 1;
        }
        table[n] = c;
        n += 1;
    }
    table
};

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, byte| {
        CRC_TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8)
    })
}
