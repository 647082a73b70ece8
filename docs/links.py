"""Checks the built pages: python docs/links.py docs/_build/html

Every link within the documentation leads somewhere, every picture is there and has a text in its
place, and no page needs the network: no script, style, font or picture comes from elsewhere. Links
to other sites are left alone. Prints each fault; exit status 1 if there is one.
"""

import os
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urlparse

# What a browser fetches by itself, and the attribute that says from where.
FETCHED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """The places in a page that a link can lead to, and where it leads itself."""

    def __init__(self, text):
        super().__init__()
        self.places, self.links, self.fetched, self.faults = set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places.update(attributes[key] for key in ("id", "name") if attributes.get(key))
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag in FETCHED and attributes.get(FETCHED[tag]):
            self.fetched.append(attributes[FETCHED[tag]])
        if tag == "img" and not attributes.get("alt"):
            self.faults.append("a picture without a text: {}".format(attributes.get("src")))


def pages_of(root):
    """Each page below a folder, by its path."""
    pages = {}
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".html"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    pages[os.path.normpath(path)] = Page(file.read())
    return pages


def faults_of(root):
    """What is wrong, a line each."""
    pages = pages_of(root)
    if not pages:
        return ["{}: no page is there".format(root)]
    faults = []
    for path, page in sorted(pages.items()):
        here = os.path.relpath(path, root)
        faults += ["{}: {}".format(here, fault) for fault in page.faults]
        for address in page.fetched:
            parsed = urlparse(address)
            if parsed.netloc:
                faults.append("{}: needs the network: {}".format(here, address))
            elif parsed.scheme != "data" and not os.path.exists(_target(path, address)[0]):
                faults.append("{}: is not there: {}".format(here, address))
        for address in page.links:
            if urlparse(address).scheme or address == "#":
                continue
            target, place = _target(path, address)
            if not os.path.exists(target):
                faults.append("{}: leads nowhere: {}".format(here, address))
            elif place and target in pages and place not in pages[target].places:
                faults.append("{}: no such place: {}".format(here, address))
    return faults


def _target(path, address):
    file, place = urldefrag(address)
    file = unquote(file.split("?")[0])
    target = os.path.join(os.path.dirname(path), file) if file else path
    return os.path.normpath(target), unquote(place)


def main(root):
    faults = faults_of(root)
    print("\n".join(faults), end="\n" if faults else "", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
