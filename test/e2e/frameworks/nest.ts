import 'reflect-metadata'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { toNodeHandler } from '../../../src/node.ts'
import type { Mount } from './mount.ts'

// As the decorators `@Controller()`, `@Get('hello')` and `@Module()` do: Node's own TypeScript has no decorators.
class HelloController {
  hello(): string {
    return 'own'
  }
}
class AppModule {}
const hello = Object.getOwnPropertyDescriptor(HelloController.prototype, 'hello') ?? {}
Get('hello')(HelloController.prototype, 'hello', hello)
Controller()(HelloController)
Module({ controllers: [HelloController] })(AppModule)

export const mount: Mount = async (files, port) => {
  const app = await NestFactory.create(AppModule, { bodyParser: false, logger: false })
  app.use('/ai', toNodeHandler(files))
  await app.listen(port, '127.0.0.1')
  return () => app.close()
}
