import base64, hashlib, hmac, json, time, uuid


def visitor_link(chat, room, person, secret):
    """The link by which somebody who is signed in at your site comes into a room. Make it when they follow it: it is good for five minutes, and once."""
    part = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    claims = {"sub": str(person["id"]), "name": person["name"], "room": room,
              "exp": int(time.time()) + 300, "jti": str(uuid.uuid4())}
    body = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    signature = part(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())
    return f"{chat}/rooms/{room}?visitor={body}.{signature}"
