// Reads a signed message with pkijs, verifies its signature and its chain to one anchor, and prints one JSON document.
//
//     node verify.mjs MODULES MESSAGE.der CSCA.der CRL.der MOMENT
//
// MODULES is the folder that holds node_modules; MOMENT is an ISO date at which the chain is judged.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { webcrypto } from "node:crypto";

const [modules, message, csca, crl, moment] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const pkijs = await import(pathToFileURL(require.resolve("pkijs")));
pkijs.setEngine("node", new pkijs.CryptoEngine({ name: "node", crypto: webcrypto }));

const bytes = (path) => new Uint8Array(readFileSync(path)).buffer;
const anchor = pkijs.Certificate.fromBER(bytes(csca));
const list = pkijs.CertificateRevocationList.fromBER(bytes(crl));
const info = pkijs.ContentInfo.fromBER(bytes(message));
const signed = new pkijs.SignedData({ schema: info.content });

let result;
try {
  const found = await signed.verify({
    signer: 0,
    trustedCerts: [anchor],
    checkChain: true,
    checkDate: new Date(moment),
    extendedMode: true,
  });
  result = { signature: found.signatureVerified, signer: found.signerCertificateVerified, message: found.message };
} catch (error) {
  result = { signature: error.signatureVerified ?? false, signer: error.signerCertificateVerified ?? false,
             message: error.message };
}
const [signer] = signed.certificates;
// It throws where the signature is of another curve's length.
result.crl = await list.verify({ issuerCertificate: anchor }).catch(() => false);
result.revoked = list.isCertificateRevoked(signer);
result.contentType = signed.encapContentInfo.eContentType;
result.content = Buffer.from(signed.encapContentInfo.eContent.getValue()).toString("hex");
result.attributes = signed.signerInfos[0].signedAttrs.attributes.map((one) => one.type);
console.log(JSON.stringify(result));
