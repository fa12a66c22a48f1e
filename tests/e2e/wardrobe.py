"""Drawn clothes: a small shop's pictures, and a photo of somebody who wears some of them."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw

from shoplens.domain import ImageSource, Price, ProductDetails, ProductDraft

SHIRT = [(30, 22), (42, 18), (50, 22), (58, 18), (70, 22), (88, 40), (78, 50), (70, 44), (70, 88), (30, 88), (30, 44), (22, 50), (12, 40)]
TROUSERS = [(32, 12), (68, 12), (74, 90), (56, 90), (50, 40), (44, 90), (26, 90)]
SHOE = [(14, 52), (34, 48), (52, 62), (84, 66), (88, 78), (14, 78)]
COLOURS = {"brick": "#a4442f", "moss": "#5f6f4a", "ink": "#2b3140", "sand": "#c9b48f", "sky": "#8fb0c9", "plum": "#6b3f5a"}


def _drawn(draw: ImageDraw.ImageDraw, outline: list[tuple[int, int]], colour: str, left: float, top: float, scale: float) -> None:
    draw.polygon([(left + x * scale, top + y * scale) for x, y in outline], fill=colour)


def _encoded(image: Image.Image) -> bytes:
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


def garment(outline: list[tuple[int, int]], colour: str) -> bytes:
    image = Image.new("RGB", (600, 600), "white")
    _drawn(ImageDraw.Draw(image), outline, colour, 0, 0, 6)
    return _encoded(image)


def street_photo(width: int = 900, height: int = 1200) -> bytes:
    """Somebody in a brick shirt, ink trousers and sand shoes, before a wall."""
    image = Image.new("RGB", (900, 1200), "#d8d3ca")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 1010, 900, 1200), fill="#a9a295")
    draw.ellipse((390, 60, 510, 210), fill="#8d6b54")
    _drawn(draw, SHIRT, COLOURS["brick"], 180, 110, 5.4)
    _drawn(draw, TROUSERS, COLOURS["ink"], 220, 510, 5.4)
    _drawn(draw, SHOE, COLOURS["sand"], 330, 830, 3.4)
    return _encoded(image.resize((width, height)))


def drafts() -> list[ProductDraft]:
    made = []
    for kind, outline, price in (("Shirt", SHIRT, 39.0), ("Trousers", TROUSERS, 79.0), ("Sneakers", SHOE, 95.5)):
        for name, colour in COLOURS.items():
            details = ProductDetails(
                title=f"{name.capitalize()} {kind.lower()}",
                category=f"Clothes/{kind}",
                brand="Fjord & Field",
                price=Price(price, "EUR"),
                in_stock=name != "plum",
                url=f"https://shop.example/{kind.lower()}-{name}",
            )
            made.append(ProductDraft(f"{kind.lower()}/{name}", details, (ImageSource("front", garment(outline, colour)),)))
    return made
