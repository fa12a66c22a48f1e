"""Each kind of feed as shops export it, rows that are wrong included."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.standalone.feeds import Row, open_feed
from shoplens.domain import ImageSource, Price, ProductDraft
from shoplens.errors import InvalidArgument

JPEG = b"\xff\xd8\xff picture"


def rows(path: Path, text: str | bytes, currency: str = "USD") -> list[Row]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    feed = open_feed(path, currency=currency)
    read = list(feed.rows())
    assert feed.count() == len(read)
    return read


def good(row: Row) -> ProductDraft:
    assert isinstance(row.result, ProductDraft), row.result
    assert row.product_id == row.result.id
    return row.result


def bad(row: Row) -> str:
    assert isinstance(row.result, InvalidArgument), row.result
    return str(row.result)


def pictures(draft: ProductDraft) -> list[str | None]:
    return [image.uri for image in draft.images]


NDJSON = """{"product_id": "1", "title": "Hoodie", "images": [{"uri": "https://shop.example/1.jpg"}]}

{"product_id": "2", "images": []}
{"product_id": "3", "images": [{"uri": "3.jpg"}]
[1]
{"product_id": "6", "title": "Ünï", "images": [{"uri": "https://shop.example/6.jpg"}]}
{"title": "nameless", "images": [{"uri": "https://shop.example/6.jpg"}]}
"""


def test_ndjson(tmp_path: Path) -> None:
    read = rows(tmp_path / "feed.txt", NDJSON)
    assert [row.line for row in read] == [1, 3, 4, 5, 6, 7]
    assert good(read[0]).details.title == "Hoodie"
    assert bad(read[1]).startswith("The product will not do: images: list should have at least 1 item")
    assert "not JSON" in bad(read[2])
    assert "not an object" in bad(read[3])
    assert good(read[4]).details.title == "Ünï"
    assert "no product_id" in bad(read[5])


def test_ndjson_that_is_nested_without_end(tmp_path: Path) -> None:
    read = rows(tmp_path / "feed", '{"product_id": "1", "images": ' + "[" * 100_000 + "\n" + NDJSON)
    assert "not JSON" in bad(read[0])
    assert good(read[1]).id == "1"


SHOPIFY = """Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Option1 Name,Option1 Value,Option2 Name,Option2 Value,\
Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Image Src,Image Position,Variant Image,Status
tee,Plain Tee,"<p>Soft &amp; light.</p><ul><li>Cotton</li></ul><script>x()</script>",Acme,Apparel > Shirts,T-Shirts,"summer, cotton",\
Color,Red,Size,S,shopify,0,deny,19.90,https://cdn.example/red.jpg,2,https://cdn.example/red.jpg,active
tee,,,,,,,,Blue,,S,shopify,3,deny,17.90,https://cdn.example/front.jpg,1,https://cdn.example/blue.jpg,
tee,,,,,,,,,,,,,,,https://cdn.example/back.jpg,3,,
old,Old Tee,,Acme,,,,Title,Default Title,,,,,,5.00,https://cdn.example/old.jpg,1,,archived
hat,Hat,,Acme,Hats,,,Title,Default Title,,,shopify,-2,deny,"1,234.50",https://cdn.example/hat.jpg,1,,active
dear,Dear,,,,,,Title,Default Title,,,,,,a lot,https://cdn.example/dear.jpg,1,,active
bare,No picture,,,,,,Title,Default Title,,,,,,5.00,,,,active
,Nameless,,,,,,,,,,,,,,https://cdn.example/none.jpg,1,,active
"""


def test_shopify(tmp_path: Path) -> None:
    read = rows(tmp_path / "export.dat", SHOPIFY, currency="EUR")
    tee = good(read[0])
    assert (tee.id, tee.details.title, tee.details.brand, tee.details.category) == ("tee", "Plain Tee", "Acme", "T-Shirts")
    assert tee.details.description == "Soft & light.\nCotton"
    assert tee.details.price == Price(17.9, "EUR")
    assert tee.details.in_stock
    assert tee.details.attributes == {"Color": ("Red", "Blue"), "Size": ("S",), "tags": ("summer", "cotton")}
    assert pictures(tee) == [f"https://cdn.example/{name}.jpg" for name in ("front", "red", "back", "blue")]
    hat = good(read[1])
    assert (hat.id, hat.details.category, hat.details.price, hat.details.in_stock) == ("hat", "Hats", Price(1234.5, "EUR"), False)
    assert hat.details.attributes == {}
    assert [row.line for row in read] == [2, 6, 7, 8, 9]
    assert "price" in bad(read[2])
    assert "no picture" in bad(read[3])
    assert "no handle" in bad(read[4])


def test_shopify_as_it_is_exported_now(tmp_path: Path) -> None:
    text = (
        "Title,URL handle,Description,Vendor,Product category,Type,Tags,Status,Option1 name,Option1 value,Price,Inventory tracker,"
        "Inventory quantity,Continue selling when out of stock,Product image URL,Image position,Variant image URL\n"
        "Boot,boot,<b>Warm</b>,Acme,Shoes,,,Active,Size,40,80.00,shopify,0,CONTINUE,https://cdn.example/b.jpg,1,\n"
        ",boot,,,,,,,,41,80.00,shopify,0,CONTINUE,,,\n"
    )
    boot = good(rows(tmp_path / "products.csv", text)[0])
    assert (boot.id, boot.details.description, boot.details.category) == ("boot", "Warm", "Shoes")
    assert boot.details.price == Price(80.0, "USD")
    assert boot.details.in_stock
    assert boot.details.attributes == {"Size": ("40", "41")}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = (("Handle", "Title", "Variant Price", "Image Src"), ("a", "Größe", "5", "https://cdn.example/a.jpg"))
    text = "\r\n".join(separator.join(line) for line in lines)
    assert good(rows(tmp_path / "export", text.encode(encoding))[0]).details.title == "Größe"


def test_a_row_that_is_broken_does_not_stop_the_rest(tmp_path: Path) -> None:
    text = "Handle,Title,Image Src\na,A,https://cdn.example/a.jpg,stray\nb,B,https://cdn.example/b.jpg\nc,C\n"
    read = rows(tmp_path / "export.csv", text)
    assert "4 cells under 3 columns" in bad(read[0])
    assert good(read[1]).id == "b"
    assert "no picture" in bad(read[2])
    assert [row.line for row in read] == [2, 3, 4]


def test_a_description_over_several_lines_keeps_the_count(tmp_path: Path) -> None:
    text = 'Handle,Title,Body (HTML),Image Src\na,A,"one\ntwo\nthree",https://cdn.example/a.jpg\nb,B,,\n'
    assert [row.line for row in rows(tmp_path / "export.csv", text)] == [2, 5]


MERCHANT_TSV = """id\ttitle\tdescription\tlink\timage link\tadditional_image_link\tprice\tsale_price\tavailability\tbrand\t\
product_type\tgoogle_product_category\titem_group_id\tsize\tcolor
A1\tDress\tLong &amp; red\thttps://shop.example/a\thttps://cdn.example/a.jpg\thttps://cdn.example/a2.jpg,https://cdn.example/a3.jpg\t\
49.00 EUR\t39.00 EUR\tin_stock\tAcme\tWomen > Dresses\t2271\t\t\tred
B1\tShoe\t\thttps://shop.example/b\thttps://cdn.example/b.jpg\t\t59,90 EUR\t\tout of stock\tAcme\t\t187\tB\t40\t
B2\tShoe\t\thttps://shop.example/b\thttps://cdn.example/b.jpg\t\t59,90 EUR\t\tin stock\tAcme\t\t187\tB\t41\t
B3\tShoe\t\thttps://shop.example/b3\thttps://cdn.example/b3.jpg\t\t59,90 EUR\t\tin stock\tAcme\t\tShoes\tB\t41\twhite
C1\tBag\t\thttps://shop.example/c\t\t\t5 EUR\t\tin stock\t\t\t\t\t\t
D1\tBag\t\tjavascript:x\thttps://cdn.example/d.jpg\t\t5 EUR\t\tin stock\t\t\t\t\t\t
E1\tBag\t\t\thttps://cdn.example/e.jpg\t\tcheap\t\tpreorder\t\t\t\t\t\t
"""


def test_merchant_text(tmp_path: Path) -> None:
    read = rows(tmp_path / "feed.csv", MERCHANT_TSV)
    dress = good(read[0])
    assert (dress.details.category, dress.details.price) == ("Women > Dresses", Price(39.0, "EUR"))
    assert (dress.details.description, dress.details.url) == ("Long & red", "https://shop.example/a")
    assert dress.details.attributes == {"color": "red"}
    assert pictures(dress) == ["https://cdn.example/a.jpg", "https://cdn.example/a2.jpg", "https://cdn.example/a3.jpg"]
    assert {image.page_url for image in dress.images} == {"https://shop.example/a"}
    shoe, white = good(read[1]), good(read[2])
    assert (shoe.id, shoe.details.price, shoe.details.in_stock, shoe.details.category) == ("B1", Price(59.9, "EUR"), True, "")
    assert shoe.details.attributes == {"size": ("40", "41"), "item_group_id": "B", "variant_ids": ("B1", "B2")}
    assert (white.id, white.details.category) == ("B3", "Shoes")
    assert [row.line for row in read] == [2, 3, 5, 6, 7, 8]
    assert "image_link is empty" in bad(read[3])
    assert "url: a link begins with" in bad(read[4])
    assert "'cheap' is not a price" in bad(read[5])


@pytest.mark.parametrize(
    ("dates", "amount"),
    [("", 8.0), ("2020-01-01T00:00+0100/2999-01-01T00:00+0100", 8.0), ("2020-01-01/2020-02-01", 10.0)],
)
def test_a_sale_counts_while_it_lasts(tmp_path: Path, dates: str, amount: float) -> None:
    text = f"id\timage_link\tprice\tsale_price\tsale_price_effective_date\n1\thttps://cdn.example/1.jpg\t10 EUR\t8 EUR\t{dates}\n"
    assert good(rows(tmp_path / "feed.tsv", text)[0]).details.price == Price(amount, "EUR")


RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title><link>https://shop.example</link>
<item>
  <g:id>A1</g:id><title>Feed's title</title><g:title>Red &amp; long <![CDATA[<b>dress</b>]]></g:title>
  <description>&lt;p&gt;Long&lt;/p&gt;</description>
  <link>https://shop.example/a</link><g:image_link>https://cdn.example/a.jpg</g:image_link>
  <g:additional_image_link>https://cdn.example/a2.jpg</g:additional_image_link>
  <g:additional_image_link>https://cdn.example/a3.jpg</g:additional_image_link>
  <g:price>49.00 EUR</g:price><g:shipping><g:country>DE</g:country><g:price>4.00 EUR</g:price></g:shipping>
  <g:availability>in stock</g:availability><g:product_type>Women &gt; Dresses</g:product_type>
</item>
<item><g:id>B1</g:id><g:price>5.00 EUR</g:price></item>
<item><g:id>C1</g:id><g:image_link>c.jpg</g:image_link><g:availability>out_of_stock</g:availability></item>
</channel></rss>
"""


def test_merchant_rss(tmp_path: Path) -> None:
    (tmp_path / "c.jpg").write_bytes(JPEG)
    read = rows(tmp_path / "feed", RSS)
    dress = good(read[0])
    assert (dress.id, dress.details.title, dress.details.description) == ("A1", "Red & long <b>dress</b>", "Long")
    assert (dress.details.price, dress.details.url) == (Price(49.0, "EUR"), "https://shop.example/a")
    assert pictures(dress) == ["https://cdn.example/a.jpg", "https://cdn.example/a2.jpg", "https://cdn.example/a3.jpg"]
    assert "image_link is empty" in bad(read[1])
    assert good(read[2]).images == (ImageSource("1", JPEG),)
    assert not good(read[2]).details.in_stock
    assert [row.line for row in read] == [3, 12, 13]


def test_merchant_atom(tmp_path: Path) -> None:
    atom = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
    <entry><id>tag:1</id><g:id>A1</g:id><title>Dress</title><summary>Long</summary><link rel="alternate" href="https://shop.example/a"/>
    <g:image_link>https://cdn.example/a.jpg</g:image_link><g:price>49 EUR</g:price></entry></feed>"""
    dress = good(rows(tmp_path / "feed.xml", atom)[0])
    assert (dress.id, dress.details.title, dress.details.description) == ("A1", "Dress", "Long")
    assert (dress.details.url, dress.details.price) == ("https://shop.example/a", Price(49.0, "EUR"))


def test_broken_xml_keeps_what_came_before(tmp_path: Path) -> None:
    read = rows(tmp_path / "feed.xml", RSS[: RSS.index("<g:id>C1")])
    assert good(read[0]).id == "A1"
    assert "broken here" in bad(read[-1])
    assert read[-1].line == 13


def test_entities_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><item><g:id>&b;</g:id></item></channel></rss>'
    (row,) = rows(tmp_path / "feed.xml", bomb)
    assert "entities" in bad(row)


def test_xml_without_items(tmp_path: Path) -> None:
    (row,) = rows(tmp_path / "page.xml", "<html><body/></html>")
    assert "no item" in bad(row)


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "women" / "shoes").mkdir(parents=True)
    (tmp_path / "women" / "shoes" / "red_boot-40.JPG").write_bytes(JPEG)
    (tmp_path / "cap.png").write_bytes(JPEG)
    (tmp_path / "notes.txt").write_text("no picture")
    read = list(open_feed(tmp_path).rows())
    cap, boot = good(read[0]), good(read[1])
    assert (cap.id, cap.details.title, cap.details.category) == ("cap", "Cap", "")
    assert (boot.id, boot.details.title, boot.details.category) == ("women/shoes/red_boot-40", "Red boot 40", "women/shoes")
    assert boot.images == (ImageSource("1", JPEG),)


def test_a_folder_with_a_manifest(tmp_path: Path) -> None:
    for name in ("front.jpg", "back.jpg", "cap.jpg", "unlisted.jpg"):
        (tmp_path / name).write_bytes(JPEG)
    (tmp_path / "manifest.csv").write_text(
        "product_id,file,title,category,price,currency,in_stock,fabric\n"
        "tee,front.jpg,Tee,Tops,19.90,EUR,yes,cotton\n"
        "tee,back.jpg,,,,,,\n"
        ",cap.jpg,Cap,Hats,5,,no,\n"
        "gone,gone.jpg,Gone,,,,,\n"
        "nothing,,Nothing,,,,,\n"
        "dear,cap.jpg,Dear,,much,,,\n"
    )
    read = list(open_feed(tmp_path, currency="GBP").rows())
    tee, cap = good(read[0]), good(read[1])
    assert (tee.id, tee.details.price, tee.details.attributes) == ("tee", Price(19.9, "EUR"), {"fabric": "cotton"})
    assert len(tee.images) == 2
    assert (cap.id, cap.details.price, cap.details.in_stock) == ("cap", Price(5.0, "GBP"), False)
    assert "neither a web address nor a file" in bad(read[2])
    assert "names no file" in bad(read[3])
    assert "'much' is not a price" in bad(read[4])


@pytest.mark.parametrize("uri", ["../secret.jpg", "file:../secret.jpg", "/etc/hostname", "sub/../../secret.jpg"])
def test_no_picture_outside_the_feeds_folder(tmp_path: Path, uri: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    (tmp_path / "feed" / "sub").mkdir(parents=True)
    (row,) = rows(tmp_path / "feed" / "feed.ndjson", json.dumps({"product_id": "1", "images": [{"uri": uri}]}))
    assert "outside the feed's folder" in bad(row)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (b"[]", "one JSON list"),
        (b"PK\x03\x04zip", "is no text"),
        (JPEG, "is no text"),
        (b"name,size\na,b\n", "its columns: name, size"),
        (b"hello", "none of the feeds"),
    ],
)
def test_what_is_no_feed_is_refused_with_advice(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "feed").write_bytes(content)
    with pytest.raises(InvalidArgument, match=words):
        open_feed(tmp_path / "feed")


def test_a_feed_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="There is no"):
        open_feed(tmp_path / "feed.csv")
