"""Questions about a contract: what can be asked, how it is written in a URL, how a page goes on."""
