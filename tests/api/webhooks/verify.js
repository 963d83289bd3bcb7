// Verifies a request as a receiver in Node would: stdin has {"secret", "body", "headers"}; prints the payload's event.
const { Webhook } = require("standardwebhooks");
let text = "";
process.stdin.on("data", (piece) => (text += piece));
process.stdin.on("end", () => {
  const { secret, body, headers } = JSON.parse(text);
  try {
    process.stdout.write(new Webhook(secret).verify(body, headers).event);
  } catch (error) {
    process.stdout.write(`refused: ${error.constructor.name}`);
  }
});
