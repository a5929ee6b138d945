//! The transformations a thumbnail needs: size, crop, format and quality.

use std::io::Cursor;

use http::HeaderMap;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, GenericImageView, ImageFormat};

use crate::model::ResourceType;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Crop {
    Scale,
    /// Covers the box and cuts off the overlap.
    Fill,
    /// Fits into the box, growing if need be.
    Fit,
    /// Fits into the box, never growing.
    Limit,
}

#[derive(Debug, Clone, PartialEq)]
struct Step {
    width: Option<f32>,
    height: Option<f32>,
    crop: Crop,
    ratio: f32,
}

/// The file that an address asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    steps: Vec<Step>,
    pub(super) format: Option<String>,
    /// Pick a format that suits the picture and the browser.
    auto_format: bool,
    accepts_webp: bool,
    quality: u8,
}

/// Wider or higher than this is refused, as Cloudinary refuses it by megapixels.
const SIDE_AT_MOST: f32 = 5000.0;
const AUTO_QUALITY: u8 = 80;

impl Wanted {
    pub(super) fn parse(
        components: &[String],
        extension: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Self, String> {
        let accept = headers
            .get(http::header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut wanted = Self {
            steps: Vec::new(),
            format: extension.map(normal_format),
            auto_format: false,
            accepts_webp: false,
            quality: AUTO_QUALITY,
        };
        for component in components {
            wanted.add(component)?;
        }
        wanted.accepts_webp = wanted.auto_format && accept.contains("image/webp");
        Ok(wanted)
    }

    fn add(&mut self, component: &str) -> Result<(), String> {
        let mut step = Step {
            width: None,
            height: None,
            crop: Crop::Scale,
            ratio: 1.0,
        };
        for piece in component.split(',') {
            let (key, value) = piece
                .split_once('_')
                .ok_or_else(|| format!("Invalid transformation {piece}"))?;
            let number = || value.parse::<f32>().ok().filter(|number| *number > 0.0);
            let side = || match value {
                "auto" => Ok(None),
                _ => number()
                    .map(Some)
                    .ok_or_else(|| format!("Invalid {key} in transformation: {value}")),
            };
            match key {
                "w" => step.width = side()?,
                "h" => step.height = side()?,
                "dpr" => step.ratio = number().unwrap_or(1.0),
                "c" => {
                    step.crop = match value {
                        "fill" | "lfill" | "thumb" | "crop" | "auto" => Crop::Fill,
                        "fit" | "pad" | "mfit" => Crop::Fit,
                        "limit" => Crop::Limit,
                        "scale" => Crop::Scale,
                        _ => return Err(format!("Invalid crop mode in transformation: {value}")),
                    }
                }
                "f" if value == "auto" => self.auto_format = true,
                "f" => self.format = Some(normal_format(value)),
                "q" => {
                    self.quality = value
                        .parse::<u8>()
                        .map_or(AUTO_QUALITY, |quality| quality.clamp(1, 100))
                }
                // Gravity, effects and the rest do not change what a test or a page relies on.
                _ => (),
            }
        }
        if step.width.is_some() || step.height.is_some() {
            self.steps.push(step);
        }
        Ok(())
    }

    /// Tells whether there is anything to do to a picture stored as `stored`.
    pub(super) fn changes(&self, stored: Option<&str>) -> bool {
        !self.steps.is_empty()
            || self.auto_format
            || self.format.as_deref() != stored.map(normal_format).as_deref()
    }

    pub(super) fn apply(&self, original: &[u8]) -> Result<Vec<u8>, String> {
        let mut picture = image::load_from_memory(original).map_err(|error| error.to_string())?;
        for step in &self.steps {
            picture = step.apply(&picture)?;
        }
        self.encode(&picture)
    }

    fn encode(&self, picture: &DynamicImage) -> Result<Vec<u8>, String> {
        let transparent = picture.color().has_alpha();
        let format = match (self.auto_format, self.format.as_deref()) {
            (true, _) if self.accepts_webp => ImageFormat::WebP,
            (true, _) if transparent => ImageFormat::Png,
            (true, _) => ImageFormat::Jpeg,
            (false, Some("jpg")) => ImageFormat::Jpeg,
            (false, Some("webp")) => ImageFormat::WebP,
            (false, Some("gif")) => ImageFormat::Gif,
            (false, Some("png") | None) => ImageFormat::Png,
            (false, Some(other)) => return Err(format!("Unsupported format {other}")),
        };
        let mut bytes = Vec::new();
        let written = match format {
            ImageFormat::Jpeg => picture
                .to_rgb8()
                .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, self.quality)),
            ImageFormat::WebP | ImageFormat::Gif => DynamicImage::from(picture.to_rgba8())
                .write_to(&mut Cursor::new(&mut bytes), format),
            _ => picture.write_to(&mut Cursor::new(&mut bytes), format),
        };
        written.map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}

/// Writes a picture anew in another format.
pub(crate) fn convert(original: &[u8], format: &str) -> Result<Vec<u8>, String> {
    Wanted::parse(&[], Some(format), &HeaderMap::new())?.apply(original)
}

impl Step {
    fn apply(&self, picture: &DynamicImage) -> Result<DynamicImage, String> {
        let (own_width, own_height) = picture.dimensions();
        let (own_width, own_height) = (own_width as f32, own_height as f32);
        // Below 1 a side is a share of the picture's own.
        let side = |wanted: Option<f32>, own: f32| {
            wanted.map(|side| if side < 1.0 { side * own } else { side } * self.ratio)
        };
        let (width, height) = (side(self.width, own_width), side(self.height, own_height));
        let width_or =
            width.unwrap_or_else(|| height.unwrap_or(own_height) * own_width / own_height);
        let height_or = height.unwrap_or_else(|| width_or * own_height / own_width);
        if width_or > SIDE_AT_MOST || height_or > SIDE_AT_MOST {
            return Err(format!("Image is too large: {width_or} x {height_or}"));
        }
        let pixels = |side: f32| (side.round() as u32).max(1);
        let (width, height) = (pixels(width_or), pixels(height_or));
        let filter = FilterType::Triangle;
        Ok(match self.crop {
            Crop::Scale => picture.resize_exact(width, height, filter),
            Crop::Fill => picture.resize_to_fill(width, height, filter),
            Crop::Limit if width_or >= own_width && height_or >= own_height => picture.clone(),
            Crop::Fit | Crop::Limit => picture.resize(width, height, filter),
        })
    }
}

fn normal_format(format: &str) -> String {
    match format.to_ascii_lowercase().as_str() {
        "jpeg" | "jpe" => "jpg".to_owned(),
        other => other.to_owned(),
    }
}

/// Formats that can be decoded, and so scaled.
pub(super) fn is_readable(format: &str) -> bool {
    ["jpg", "png", "gif", "webp"].contains(&normal_format(format).as_str())
}

pub(crate) fn content_type(kind: ResourceType, format: Option<&str>, public_id: &str) -> String {
    let extension = format.or_else(|| public_id.rsplit_once('.').map(|(_, extension)| extension));
    let known = match extension.unwrap_or_default() {
        "jpg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        "json" => "application/json",
        "csv" => "text/csv; charset=utf-8",
        _ if kind == ResourceType::Raw => "application/octet-stream",
        other => return format!("{}/{other}", kind.as_str()),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(
        components: &[&str],
        extension: &str,
        accept: &str,
    ) -> (Option<ImageFormat>, (u32, u32)) {
        let components: Vec<String> = components.iter().map(|text| (*text).to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ACCEPT, accept.parse().unwrap());
        let original = crate::model::Content::Generated {
            kind: ResourceType::Image,
            seed: 5,
        }
        .generate()
        .unwrap();
        let wanted = Wanted::parse(&components, Some(extension), &headers).unwrap();
        let bytes = wanted.apply(&original).unwrap();
        let size = image::load_from_memory(&bytes).unwrap().dimensions();
        (image::guess_format(&bytes).ok(), size)
    }

    #[test]
    fn thumbnails_have_the_size_and_format_asked_for() {
        // The original is 96 x 72.
        type Case = (
            &'static [&'static str],
            &'static str,
            &'static str,
            ImageFormat,
            (u32, u32),
        );
        let cases: [Case; 8] = [
            (
                &["w_40,h_40,c_fill,g_auto"],
                "png",
                "*/*",
                ImageFormat::Png,
                (40, 40),
            ),
            (&["w_48,c_fit"], "png", "*/*", ImageFormat::Png, (48, 36)),
            (
                &["w_40,h_40,c_fit"],
                "png",
                "*/*",
                ImageFormat::Png,
                (40, 30),
            ),
            (&["w_960,c_limit"], "png", "*/*", ImageFormat::Png, (96, 72)),
            (
                &["w_10,h_20,c_scale"],
                "png",
                "*/*",
                ImageFormat::Png,
                (10, 20),
            ),
            (
                &["w_48,c_scale,dpr_2.0"],
                "jpg",
                "*/*",
                ImageFormat::Jpeg,
                (96, 72),
            ),
            (
                &["w_48", "f_auto,q_auto"],
                "png",
                "image/webp,*/*",
                ImageFormat::WebP,
                (48, 36),
            ),
            (
                &["w_48", "f_auto,q_auto"],
                "png",
                "*/*",
                ImageFormat::Jpeg,
                (48, 36),
            ),
        ];
        for (components, extension, accept, format, size) in cases {
            assert_eq!(
                made(components, extension, accept),
                (Some(format), size),
                "{components:?}"
            );
        }
    }

    #[test]
    fn absurd_transformations_are_refused() {
        let none = HeaderMap::new();
        assert!(Wanted::parse(&["w_many".to_owned()], None, &none).is_err());
        assert!(Wanted::parse(&["c_origami".to_owned()], None, &none).is_err());
        let huge = Wanted::parse(&["w_90000".to_owned()], Some("png"), &none).unwrap();
        let original = crate::model::Content::Generated {
            kind: ResourceType::Image,
            seed: 5,
        }
        .generate()
        .unwrap();
        assert!(huge.apply(&original).is_err());
    }
}
