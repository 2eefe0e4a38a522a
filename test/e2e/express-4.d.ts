/** Types of Express 4. The parts used here are the same as in version 5. */
declare module 'express-4' {
  export { default } from 'express'
}
