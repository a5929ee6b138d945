//! Bytes that follow from a number: real pictures, tiny MP4 containers and text files.

use image::RgbImage;

use super::ResourceType;
use super::png;
use super::scene::Scene;
use super::scramble::scramble;

/// Size in pixels of a generated picture or video.
pub(super) const SIZE: (u32, u32) = (png::WIDTH, png::HEIGHT);

pub(super) fn bytes(kind: ResourceType, seed: u64) -> Vec<u8> {
    match kind {
        ResourceType::Image => png::picture(seed),
        ResourceType::Video => movie(seed),
        ResourceType::Raw => text(seed).into_bytes(),
    }
}

pub(super) fn length(kind: ResourceType, seed: u64) -> u64 {
    match kind {
        ResourceType::Image => png::LENGTH,
        ResourceType::Video => MOVIE_LENGTH,
        ResourceType::Raw => text(seed).len() as u64,
    }
}

pub(super) fn format(kind: ResourceType) -> Option<&'static str> {
    match kind {
        ResourceType::Image => Some("png"),
        ResourceType::Video => Some("mp4"),
        ResourceType::Raw => None,
    }
}

/// The picture of this seed at any size.
pub(crate) fn landscape(seed: u64, width: u32, height: u32) -> RgbImage {
    let scene = Scene::of(seed);
    let colours = scene.paint(width, height).into_iter();
    let pixels = colours.flat_map(|colour| scene.palette[usize::from(colour)]);
    RgbImage::from_raw(width, height, pixels.collect()).expect("a colour for each pixel")
}

fn text(seed: u64) -> String {
    let lines = scramble(seed) % 40 + 1;
    let mut text = format!("Generated document {seed:016x}\n");
    for line in 1..=lines {
        text.push_str(&format!("line {line:04}: {:016x}\n", scramble(seed ^ line)));
    }
    text
}

const MOVIE_LENGTH: u64 = 24 + (8 + 108) + (8 + 16);

/// `ftyp`, a `moov` with nothing but its header, and an `mdat` that holds the seed.
fn movie(seed: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(100);
    header.extend_from_slice(&[0; 12]);
    header.extend_from_slice(&1000u32.to_be_bytes());
    header.extend_from_slice(&1000u32.to_be_bytes());
    header.extend_from_slice(&0x0001_0000u32.to_be_bytes());
    header.extend_from_slice(&0x0100u16.to_be_bytes());
    header.extend_from_slice(&[0; 10]);
    for cell in [0x0001_0000u32, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] {
        header.extend_from_slice(&cell.to_be_bytes());
    }
    header.extend_from_slice(&[0; 24]);
    header.extend_from_slice(&2u32.to_be_bytes());

    let mut file = Vec::with_capacity(MOVIE_LENGTH as usize);
    atom(&mut file, b"ftyp", b"isom\0\0\x02\0isommp41");
    let mut mvhd = Vec::with_capacity(108);
    atom(&mut mvhd, b"mvhd", &header);
    atom(&mut file, b"moov", &mvhd);
    atom(&mut file, b"mdat", format!("{seed:016x}").as_bytes());
    file
}

fn atom(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len() + 8).expect("atoms are small");
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(kind);
    file.extend_from_slice(data);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::{Kind, sniff};
    use super::*;

    #[test]
    fn lengths_are_known_without_generating() {
        for kind in ResourceType::ALL {
            for seed in [0, 1, 77, u64::MAX] {
                assert_eq!(
                    bytes(kind, seed).len() as u64,
                    length(kind, seed),
                    "{kind:?} {seed}"
                );
            }
        }
    }

    #[test]
    fn pictures_decode_and_differ() {
        let mut seen = HashSet::new();
        for seed in 0..200 {
            let bytes = bytes(ResourceType::Image, seed);
            let picture = image::load_from_memory(&bytes).unwrap();
            assert_eq!((picture.width(), picture.height()), SIZE);
            assert!(
                seen.insert(picture.to_rgb8().into_raw()),
                "picture {seed} repeats another"
            );
        }
    }

    #[test]
    fn movies_are_recognised_as_mp4() {
        let sniffed = sniff(&bytes(ResourceType::Video, 9));
        assert_eq!(
            (sniffed.kind, sniffed.format.as_deref()),
            (Kind::Video, Some("mp4"))
        );
    }
}
