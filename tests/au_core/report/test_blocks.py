from html.parser import HTMLParser

from au_core.report.blocks import Figure, Section, Table, html, markdown

TABLE = Table(caption="From `scores.json`.", header=("AU", "F1"), rows=(("AU01 <b>", "50.0"), ("a|b", "-")))
FIGURE = Figure(name="plot", caption="Shown.", alt="A plot", png=b"\x89PNG")
SECTIONS = [Section("Each AU", ["Words & `code`.", TABLE, FIGURE])]
VOID = {"meta", "img", "link", "br"}


class Outline(HTMLParser):
    """Tags with attributes, and whether every one is closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def outline() -> Outline:
    parser = Outline()
    parser.feed(html("A <title>", "Drawn.", SECTIONS))
    return parser


def test_html_is_well_formed_and_escapes_what_it_shows():
    page = outline()
    assert page.open == []
    assert "AU01 <b>" in page.text and "A <title>" in page.text and "`" not in page.text


def test_html_needs_nothing_from_outside():
    tags = outline().tags
    names = {tag for tag, _ in tags}
    assert not names & {"script", "link", "iframe"}
    assert [attrs["src"][:22] for tag, attrs in tags if tag == "img"] == ["data:image/png;base64,"]
    assert all(attrs["href"].startswith("#") for tag, attrs in tags if tag == "a")


def test_html_tables_have_headers_for_rows_and_columns_and_scroll():
    tags = outline().tags
    assert [attrs["scope"] for tag, attrs in tags if tag == "th"] == ["col", "col", "row", "row"]
    assert any(attrs.get("class") == "scroll" and attrs["tabindex"] == "0" for tag, attrs in tags)
    assert [attrs["alt"] for tag, attrs in tags if tag == "img"] == ["A plot"]


def test_markdown_has_the_same_parts():
    text = markdown("Title", "Drawn.", SECTIONS)
    assert text.startswith(
        "# Title\n\n> Drawn.\n\n## Each AU\n\nWords & `code`.\n\n"
        "From `scores.json`.\n\n| AU | F1 |\n| --- | ---: |\n"
    )
    assert "| a\\|b | - |" in text and "![A plot](figures/plot.png)" in text
