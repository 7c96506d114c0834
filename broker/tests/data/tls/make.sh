#!/bin/sh
# Makes the stores of this folder anew with keytool (Java 9 or later) and openssl (3.0 or later). Good for a hundred years.
set -eu
cd "$(dirname "$0")"
rm -f ./*.jks ./*.p12 ./*.pem ./*.key
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
days=36500

# an authority, another one, and a server and a client of the first
for name in ca other; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days -subj "/CN=$name" \
    -keyout "$work/$name.key" -out "$work/$name.pem" 2>/dev/null
done
issue() { # NAME SUBJECT
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
  printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n' >"$work/extensions"
  openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days $days \
    -extfile "$work/extensions" -out "$work/$1.pem" 2>/dev/null
}
issue server /CN=broker
issue client /C=DE/O=Example/OU=Flights/CN=Orders
cp "$work/ca.pem" "$work/other.pem" "$work/server.pem" "$work/server.key" "$work/client.pem" "$work/client.key" .

# key stores: password store-secret
export PASSWORD=store-secret
p12="openssl pkcs12 -export -inkey server.key -in server.pem -certfile ca.pem -name server -passout env:PASSWORD"
$p12 -out server-openssl.p12
$p12 -legacy -out server-legacy.p12
$p12 -legacy -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-RC2-128 -nomac -out server-rc2-128.p12
$p12 -keypbe aes-128-cbc -certpbe NONE -macalg sha512 -out server-sha512.p12
keytool() { command keytool "$@" 2>/dev/null; }
import() { # FILE TYPE KEY-PASSWORD
  keytool -importkeystore -noprompt -srckeystore server-openssl.p12 -srcstoretype PKCS12 -srcstorepass $PASSWORD \
    -srcalias server -destkeystore "$1" -deststoretype "$2" -deststorepass $PASSWORD -destkeypass "$3"
}
import server.p12 PKCS12 $PASSWORD
import server.jks JKS $PASSWORD
# a key with a password of its own, behind a trusted certificate
keytool -importcert -noprompt -alias a-trusted -file other.pem -keystore server-key-password.jks -storetype JKS -storepass $PASSWORD
import server-key-password.jks JKS key-secret

# trust stores: password trust-secret
for kind in jks p12; do
  type=$([ $kind = jks ] && echo JKS || echo PKCS12)
  for name in ca other; do
    keytool -importcert -noprompt -alias $name -file $name.pem -keystore trust.$kind -storetype "$type" -storepass trust-secret
  done
done
# certificates without Java's mark of trust
openssl pkcs12 -export -nokeys -in ca.pem -passout pass:trust-secret -out unmarked.p12
