"""
The ready-made texts of NovelAI's site, word for word: quality tags and undesired content.

The service applies none of them; the client adds the text. Source: nai-api.md 2.5 and 2.6 (web bundle read 2026-10-02,
equal in an independent reader of it). Other clients put ``location,`` in front of V4.5's quality tags; the newest
bundle does not, and what its users get is what we give.
"""

QUALITY_V5 = "very aesthetic, masterpiece, no text"
QUALITY_V4_5_FULL = "very aesthetic, masterpiece, no text"
QUALITY_V4_5_CURATED = "very aesthetic, masterpiece, no text, -0.8::feet::, rating:general"
QUALITY_V4_FULL = "no text, best quality, very aesthetic, absurdres"
QUALITY_V4_CURATED = "rating:general, best quality, very aesthetic, absurdres"
QUALITY_V3 = "best quality, amazing quality, very aesthetic, absurdres"
QUALITY_FURRY_V3 = "{best quality}, {amazing quality}"
QUALITY_V2 = "very aesthetic, best quality, absurdres"
QUALITY_V1 = "masterpiece, best quality"

TRANSPARENT = "transparent background"
"""Stands in front of the quality tags where a transparent background is asked for (V5)."""

V5_HEAVY = (
    "lowres, artistic error, film grain, scan artifacts, worst quality, bad quality, jpeg artifacts, very displeasing, "
    "chromatic aberration, dithering, halftone, screentone, multiple views, logo, too many watermarks, negative space, "
    "blank page"
)
V5_LIGHT = (
    "lowres, bad hands, bad anatomy, artistic error, sepia, white haze, worst quality, very displeasing, "
    "jpeg artifacts, 0::ai-generated::"
)
V5_HUMAN_FOCUS = f"{V5_HEAVY}, @_@, mismatched pupils, glowing eyes, bad anatomy"
V5_FURRY_FOCUS = (
    "{worst quality}, distracting watermark, unfinished, bad quality, {widescreen}, upscale, {sequence}, "
    "{{grandfathered content}}, blurred foreground, chromatic aberration, sketch, everyone, [sketch background], "
    "simple, [flat colors], ych (character), outline, multiple scenes, [[horror (theme)]], comic"
)

V4_5_FULL_HEAVY = V5_HEAVY
V4_5_FULL_LIGHT = (
    "lowres, artistic error, scan artifacts, worst quality, bad quality, jpeg artifacts, multiple views, "
    "very displeasing, too many watermarks, negative space, blank page"
)
V4_5_FULL_HUMAN_FOCUS = V5_HUMAN_FOCUS
V4_5_FULL_FURRY_FOCUS = V5_FURRY_FOCUS

V4_5_CURATED_HEAVY = (
    "blurry, lowres, upscaled, artistic error, film grain, scan artifacts, worst quality, bad quality, jpeg artifacts, "
    "very displeasing, chromatic aberration, halftone, multiple views, logo, too many watermarks, negative space, "
    "blank page"
)
V4_5_CURATED_LIGHT = (
    "blurry, lowres, upscaled, artistic error, scan artifacts, jpeg artifacts, logo, too many watermarks, "
    "negative space, blank page"
)
V4_5_CURATED_HUMAN_FOCUS = (
    "blurry, lowres, upscaled, artistic error, film grain, scan artifacts, bad anatomy, bad hands, worst quality, "
    "bad quality, jpeg artifacts, very displeasing, chromatic aberration, halftone, multiple views, logo, "
    "too many watermarks, @_@, mismatched pupils, glowing eyes, negative space, blank page"
)

V4_FULL_HEAVY = (
    "blurry, lowres, error, film grain, scan artifacts, worst quality, bad quality, jpeg artifacts, very displeasing, "
    "chromatic aberration, multiple views, logo, too many watermarks, white blank page, blank page"
)
V4_FULL_LIGHT = (
    "blurry, lowres, error, worst quality, bad quality, jpeg artifacts, very displeasing, white blank page, blank page"
)
V4_CURATED_HEAVY = (
    "blurry, lowres, error, film grain, scan artifacts, worst quality, bad quality, jpeg artifacts, very displeasing, "
    "chromatic aberration, logo, dated, signature, multiple views, gigantic breasts, white blank page, blank page"
)
V4_CURATED_LIGHT = (
    "blurry, lowres, error, worst quality, bad quality, jpeg artifacts, very displeasing, logo, dated, signature, "
    "white blank page, blank page"
)
V4_CHARACTER_UC = "lowres, aliasing, "
"""What V4's site fills in as each character's undesired content."""

V3_HEAVY = (
    "lowres, {bad}, error, fewer, extra, missing, worst quality, jpeg artifacts, bad quality, watermark, unfinished, "
    "displeasing, chromatic aberration, signature, extra digits, artistic error, username, scan, [abstract]"
)
V3_LIGHT = "lowres, jpeg artifacts, worst quality, watermark, blurry, very displeasing"
V3_HUMAN_FOCUS = f"{V3_HEAVY}, bad anatomy, bad hands, @_@, mismatched pupils, heart-shaped pupils, glowing eyes"
V3_EMPTY = "lowres"
"""What the V3 family sends where preset and own undesired content are both empty."""

FURRY_V3_HEAVY = (
    "{{worst quality}}, [displeasing], {unusual pupils}, guide lines, {{unfinished}}, {bad}, url, artist name, "
    "{{tall image}}, mosaic, {sketch page}, comic panel, impact (font), [dated], {logo}, ych, {what}, "
    "{where is your god now}, {distorted text}, repeated text, {floating head}, {1994}, {widescreen}, "
    "absolutely everyone, sequence, {compression artifacts}, hard translated, {cropped}, {commissioner name}, "
    "unknown text, high contrast"
)
FURRY_V3_LIGHT = (
    "{worst quality}, guide lines, unfinished, bad, url, tall image, widescreen, compression artifacts, unknown text"
)

V2_HEAVY = (
    "lowres, bad, text, error, missing, extra, fewer, cropped, jpeg artifacts, worst quality, bad quality, watermark, "
    "displeasing, unfinished, chromatic aberration, scan, scan artifacts"
)
V2_LIGHT = V3_LIGHT
V1_HEAVY = (
    "lowres, bad anatomy, bad hands, text, error, missing fingers, extra digit, fewer digits, cropped, worst quality, "
    "low quality, normal quality, jpeg artifacts, signature, watermark, username, blurry"
)
"""The site's ``lowQualityPlusBadAnatomy``."""
V1_LIGHT = (
    "lowres, text, cropped, worst quality, low quality, normal quality, jpeg artifacts, signature, watermark, "
    "username, blurry"
)
"""The site's ``lowQuality``."""
