"""Where private keys live: encrypted files, PKCS#11 tokens, key services; and what stands between them and misuse."""
