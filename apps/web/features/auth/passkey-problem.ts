/** Something that went wrong between the browser and its passkeys, in words for people. */
export class PasskeyProblem extends Error {}
