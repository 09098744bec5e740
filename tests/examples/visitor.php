<?php
/** The link by which somebody who is signed in at your site comes into a room. Make it when they follow it: it is good for five minutes, and once. */
function visitor_link(string $chat, string $room, array $person, string $secret): string {
    $part = fn (string $data) => rtrim(strtr(base64_encode($data), '+/', '-_'), '=');
    $claims = ['sub' => (string) $person['id'], 'name' => $person['name'], 'room' => $room,
        'exp' => time() + 300, 'jti' => bin2hex(random_bytes(16))];
    $body = $part('{"alg":"HS256","typ":"JWT"}') . '.' . $part(json_encode($claims));
    return "$chat/rooms/$room?visitor=$body." . $part(hash_hmac('sha256', $body, $secret, true));
}
