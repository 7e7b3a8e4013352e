"""Authlib: discovery, code with PKCE, ID token, userinfo, refresh and sign-out at the development org."""

import html
import json
import os
import re
import subprocess
import unittest

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.jose import JsonWebKey, jwt

ADA, PASSWORD = "ada@example.test", "correct-horse-1"
REDIRECT_URI = "http://localhost:8080/authorization-code/callback"


class Authlib(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
        command = [os.environ["OKTA_DEV"], "--json", "--port", "0"]
        cls.org = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        told = json.loads(cls.org.stdout.readline())
        cls.client, cls.issuer = told["clients"][0], told["variables"]["OKTA_ISSUER_URI"]
        cls.metadata = requests.get(f"{cls.issuer}/.well-known/openid-configuration", timeout=10).json()

    @classmethod
    def tearDownClass(cls):
        cls.org.terminate()
        cls.org.stdout.close()
        cls.org.wait()

    def visit(self, url):
        """Submits the sign-in page of the org like a browser, and returns where it redirects."""
        page = requests.get(url, timeout=10).text
        handle = html.unescape(re.search(r'name="stateToken" value="([^"]+)"', page).group(1))
        form = {"stateToken": handle, "username": ADA, "password": PASSWORD}
        action = self.metadata["registration_endpoint"].replace("/oauth2/v1/clients", "/signin")
        answer = requests.post(action, data=form, allow_redirects=False, timeout=10)
        return answer.headers["location"]

    def test_it_signs_in_and_uses_the_tokens(self):
        self.assertEqual(self.metadata["issuer"], self.issuer)
        session = OAuth2Session(
            self.client["client_id"],
            self.client["client_secret"],
            scope="openid profile email offline_access",
            redirect_uri=REDIRECT_URI,
            code_challenge_method="S256",
            token_endpoint=self.metadata["token_endpoint"],
        )
        verifier, nonce = "v" * 43, "the-nonce"
        url, state = session.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        back = self.visit(url)
        token = session.fetch_token(authorization_response=back, state=state, code_verifier=verifier)
        keys = JsonWebKey.import_key_set(requests.get(self.metadata["jwks_uri"], timeout=10).json())
        options = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client["client_id"]},
        }
        params = {"nonce": nonce, "access_token": token["access_token"], "client_id": self.client["client_id"]}
        claims = jwt.decode(token["id_token"], keys, claims_cls=CodeIDToken, claims_options=options, claims_params=params)
        claims.validate()
        self.assertEqual(claims["name"], "Ada Lovelace")
        userinfo = session.get(self.metadata["userinfo_endpoint"]).json()
        self.assertEqual((userinfo["sub"], userinfo["given_name"]), (claims["sub"], "Ada"))
        renewed = session.refresh_token(self.metadata["token_endpoint"])
        self.assertNotEqual(renewed["access_token"], token["access_token"])
        answer = session.introspect_token(self.metadata["introspection_endpoint"], renewed["access_token"])
        self.assertTrue(answer.json()["active"])
        session.revoke_token(self.metadata["revocation_endpoint"], renewed["access_token"])
        answer = session.introspect_token(self.metadata["introspection_endpoint"], renewed["access_token"])
        self.assertEqual(answer.json(), {"active": False})


if __name__ == "__main__":
    unittest.main()
